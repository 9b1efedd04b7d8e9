// Two wallets that announce themselves (EIP-6963) and sign through a development node, whose
// accounts are unlocked. They refuse, wait, change the account or change the chain when told to.

/** A transparent point. */
const ICON = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/** Calls a method of a JSON-RPC server. */
export async function rpc(url, method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const { result, error } = await (await fetch(url, { method: "POST", headers, body })).json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** Installs the wallets in a page; `window.wallets[NAME]` is what tests tell. */
export async function install(page, url, account) {
  await page.exposeFunction("askEthereum", (method, params) => rpc(url, method, params));
  await page.addInitScript(announce, { account, icon: ICON });
}

function announce({ account, icon }) {
  window.wallets = {};
  for (const name of ["First", "Second"]) {
    const listeners = {};
    const state = { account, chainId: "0x7a69", refuses: false, asked: [], signs: null };
    const emit = (event, value) => listeners[event]?.forEach((listener) => listener(value));
    state.setAccount = (other) => emit("accountsChanged", [(state.account = other)]);
    state.hold = () => (state.signs = new Promise((sign) => (state.sign = sign)));
    state.setChain = (chainId) => emit("chainChanged", (state.chainId = chainId));
    const provider = {
      on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
      removeListener: (event, listener) => listeners[event]?.delete(listener),
      async request({ method, params }) {
        state.asked.push(method);
        if (method === "eth_chainId") return state.chainId;
        if (method === "eth_accounts") return [];
        if (state.refuses) throw Object.assign(new Error("User rejected"), { code: 4001 });
        if (method === "eth_requestAccounts") return [state.account];
        if (method === "wallet_switchEthereumChain") return state.setChain(params[0].chainId);
        await state.signs;
        return window.askEthereum(method, params);
      },
    };
    window.wallets[name] = state;
    const info = { uuid: `00000000-${name}`, name, icon, rdns: name };
    const detail = Object.freeze({ info, provider });
    const tell = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
    addEventListener("eip6963:requestProvider", tell);
    tell();
  }
}
