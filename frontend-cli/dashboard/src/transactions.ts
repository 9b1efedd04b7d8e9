// Transactions of this visit: signed one after the other, sent, and followed until the market has
// answered.

import { ask, type Outcome, type Transaction } from "./api";
import { fill, h } from "./dom";
import * as kept from "./kept";
import * as wallet from "./wallet";

/** Pause between two looks at a transaction. */
const PAUSE_MS = 1_000;

/** A transaction that takes longer is said to. */
const LONG_MS = 60_000;

/** All of them, the newest first; they outlive the view. */
export const log = h("ul", { class: "activity", "aria-live": "polite" });

/** Whether one is under way; no other is begun meanwhile. */
export let isBusy = false;

/** Has transactions signed, each after the one before is done; false if one was not. */
export async function perform(
  begun: wallet.Connection,
  asked: () => Promise<Transaction[]>,
  progress: (done: number, all: number) => void = () => {},
): Promise<boolean> {
  if (isBusy) return false;
  isBusy = true;
  try {
    await resume(begun);
    const all = await asked();
    progress(0, all.length);
    for (const [at, transaction] of all.entries()) {
      if (!(await transact(begun, transaction))) return false;
      progress(at + 1, all.length);
    }
    return true;
  } finally {
    isBusy = false;
  }
}

/** Follows what an earlier visit sent last, so that nothing is made of what it changes. */
async function resume({ account }: wallet.Connection): Promise<void> {
  const sent = kept.findSent(account);
  if (!sent) return;
  // One that no block takes in time may have been replaced in the wallet.
  await follow(sent.hash, entry(sent.what), true);
  kept.noteSent(account, null);
}

/** A new entry of the log: what changes its words. */
function entry(what: string): (state: string, words: string) => void {
  const item = h("li");
  log.prepend(item);
  return (state, words) => {
    item.dataset.state = state;
    const text = `${what}: ${words}`;
    if (item.textContent !== text) fill(item, text);
  };
}

async function transact(begun: wallet.Connection, transaction: Transaction): Promise<boolean> {
  const tell = entry(transaction.what);
  tell("asking", "asking the wallet …");
  const { connection } = wallet;
  if (connection?.account !== begun.account || connection.chainId !== begun.chainId) {
    tell("stopped", "the account or chain was changed in the wallet: nothing more is sent");
    return false;
  }
  try {
    const hash = await wallet.send(begun, transaction);
    kept.noteSent(begun.account, { hash, what: transaction.what });
    const isDone = await follow(hash, tell);
    kept.noteSent(begun.account, null);
    return isDone;
  } catch (error) {
    tell("refused", wallet.explained(error));
    return false;
  }
}

/** Looks at a transaction until it is settled; true if it did what it should. */
async function follow(
  hash: string,
  tell: (state: string, words: string) => void,
  isOld = false,
): Promise<boolean> {
  const begun = Date.now();
  for (;;) {
    // The program or the node may be away for a moment; the transaction is not.
    const outcome = await ask<Outcome>(`transactions/${hash}`).catch(() => null);
    const isLong = Date.now() - begun > LONG_MS;
    if (outcome?.state === "done") {
      tell("done", "done");
      return true;
    }
    if (outcome?.state === "failed") {
      tell("failed", `Ethereum refused transaction ${hash}`);
      return false;
    }
    if (outcome?.state === "refused") {
      tell("refused", `the market refused: ${outcome.why.sentence}`);
      return false;
    }
    if (outcome === null) {
      tell("unknown", `sent as ${hash}; no answer about it at the moment`);
    } else if (outcome.state === "sent") {
      const wait = isLong ? "; the node takes long: is it running?" : " …";
      tell("sent", `input ${outcome.input} waits for the node${wait}`);
    } else if (isOld && isLong) {
      tell("unknown", `${hash} is in no block`);
      return false;
    } else {
      const wait = isLong ? "; it takes long: the wallet can speed it up or cancel it" : " …";
      tell("pending", `${hash} waits for a block${wait}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
