// What the sponsor of a job can do or must do now, with what each costs and returns.

import { askBytes, type JobDetail, market, type Transaction } from "./api";
import { button, type Child, fill, h } from "./dom";
import * as kept from "./kept";
import * as transactions from "./transactions";
import { consult } from "./twin";
import * as wallet from "./wallet";

interface Duty {
  name: string;
  words: string;
  transactions: Transaction[];
  is_urgent: boolean;
  lacks_key: boolean;
}

export interface SponsorPart {
  element: HTMLElement;
  show(job: JobDetail): Promise<void>;
  leave(): void;
}

export function sponsorPart(): SponsorPart {
  let job: JobDetail | null = null;
  let shown = "";
  const list = h("div", { id: "duties" });
  const warning = h("p", { role: "alert", hidden: true, id: "duties-trouble" });
  const element = h("section", { hidden: true }, [h("h2", {}, ["Your job"]), warning, list]);
  const complain = (words: string) => {
    fill(warning, words);
    warning.hidden = !words;
  };

  const duties = async (of: JobDetail, account: string) => {
    const sealed = kept.seals(account, of.job);
    return consult<Duty[]>({ ask: "duties", sealed }, [await askBytes(`desk/${account}/${of.job}`)]);
  };
  const isOver = (of: JobDetail) => ["settled", "cancelled"].includes(of.stage);
  const show = async () => {
    const { connection } = wallet;
    const [newest, account] = [job, connection?.account];
    const { has_twin: hasTwin, chain_id: chainId } = await market();
    const isOurs = newest?.sponsor.toLowerCase() === account?.toLowerCase();
    element.hidden = !newest || !account || !isOurs || !hasTwin || isOver(newest);
    if (element.hidden || !newest || !account) return;
    const all = await duties(newest, account);
    const isRightChain = connection?.chainId === chainId;
    const next = JSON.stringify([all, isRightChain, transactions.isBusy]);
    // What is shown keeps its focus.
    if (next === shown || newest !== job) return;
    shown = next;
    fill(list, ...all.map((duty) => item(duty, isRightChain)));
  };
  const act = async (name: string) => {
    const begun = wallet.connection;
    const of = job;
    if (!begun || !of) return;
    complain("");
    const done = transactions.perform(begun, async () => {
      const now = await duties(of, begun.account);
      return now.find((duty) => duty.name === name)?.transactions ?? [];
    });
    await show().catch(() => {});
    await done.catch((error) => complain((error as Error).message));
    await show().catch(() => {});
  };
  const restore = async (file: File | undefined) => {
    const account = wallet.connection?.account;
    if (!file || !job || !account) return;
    try {
      const { job: of, plain, seal } = JSON.parse(await file.text()) as kept.Sealed & { job: string };
      if (of !== job.job || !plain?.cid || !seal?.key) throw new Error("another file");
      kept.keepSeal(account, job.job, { plain, seal });
      complain("");
    } catch {
      complain("This is not the file with the key of this job's hold-out: choose the one you saved.");
    }
    await show();
  };
  const item = (duty: Duty, isRightChain: boolean): Child => {
    const disabled = transactions.isBusy || !isRightChain;
    const key = h("input", { type: "file", id: "key-file", accept: ".json" });
    key.addEventListener("change", () => restore(key.files?.[0]));
    return h("div", { class: "duty", "data-urgent": duty.is_urgent ? "true" : undefined }, [
      h("p", {}, [duty.is_urgent && h("strong", {}, ["Now: "]), duty.words]),
      duty.lacks_key && h("div", { class: "field" }, [h("label", { for: key.id }, ["The key's file"]), key]),
      duty.transactions.length > 0 && button(duty.name, () => act(duty.name), { disabled }),
    ]);
  };
  const unwatch = wallet.watch(() => {
    show().catch(() => {});
  });
  return {
    element,
    async show(newest) {
      job = newest;
      await show();
    },
    leave: unwatch,
  };
}
