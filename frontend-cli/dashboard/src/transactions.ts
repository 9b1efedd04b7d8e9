// Transactions of this visit: signed one after the other, sent, and followed until the market has
// answered.

import { ask, type Outcome, type Transaction } from "./api";
import { fill, h } from "./dom";
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
): Promise<boolean> {
  if (isBusy) return false;
  isBusy = true;
  try {
    for (const transaction of await asked()) {
      if (!(await transact(begun, transaction))) return false;
    }
    return true;
  } finally {
    isBusy = false;
  }
}

async function transact(begun: wallet.Connection, transaction: Transaction): Promise<boolean> {
  const item = h("li");
  const tell = (state: string, words: string) => {
    item.dataset.state = state;
    const text = `${transaction.what}: ${words}`;
    if (item.textContent !== text) fill(item, text);
  };
  tell("asking", "asking the wallet …");
  log.prepend(item);
  const { connection } = wallet;
  if (connection?.account !== begun.account || connection.chainId !== begun.chainId) {
    tell("stopped", "the account or chain was changed in the wallet: nothing more is sent");
    return false;
  }
  try {
    return await follow(await wallet.send(begun, transaction), tell);
  } catch (error) {
    tell("refused", wallet.explained(error));
    return false;
  }
}

/** Looks at a transaction until it is settled; true if it did what it should. */
async function follow(
  hash: string,
  tell: (state: string, words: string) => void,
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
    } else {
      const wait = isLong ? "; it takes long: the wallet can speed it up or cancel it" : " …";
      tell("pending", `${hash} waits for a block${wait}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
