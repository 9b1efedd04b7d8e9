// Plays with a devnet through the official TypeScript clients, as a page of theirs would.
//
//   node cartesi.mjs RPC NODE APPLICATION
//
// Deposits Ether, asks for it back, lists everything, then validates and executes the voucher.
import assert from 'node:assert/strict';

import { createClient as createRpcClient } from '@cartesi/rpc';
import {
  createCartesiPublicClient,
  getInputsAdded,
  getOutputsExecuted,
  publicActionsL1,
  walletActionsL1,
} from '@cartesi/viem';
import { cartesi } from '@cartesi/viem/chains';
import {
  createPublicClient,
  createWalletClient,
  encodeFunctionData,
  getAddress,
  http,
  parseAbi,
  parseEther,
  zeroAddress,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';

const [rpc, node, given] = process.argv.slice(2);
const application = getAddress(given);
const account = mnemonicToAccount('test test test test test test test test test test test junk');
const l1 = createPublicClient({ chain: cartesi, transport: http(rpc), pollingInterval: 50 });
const reader = l1.extend(publicActionsL1());
const wallet = createWalletClient({ account, chain: cartesi, transport: http(rpc) }).extend(
  walletActionsL1(),
);
const client = createCartesiPublicClient({ transport: http(node), pollingInterval: 50 });
const plain = createRpcClient({ uri: node });

/** The number of the input that a transaction sent. */
async function input(hash) {
  const receipt = await l1.waitForTransactionReceipt({ hash });
  const [added] = getInputsAdded(receipt);
  assert.equal(added.appContract, application);
  return added.index;
}

/** The input, once it is processed. */
const processed = (inputIndex) =>
  client.waitForInput({ application, inputIndex, retryCount: 1_000 });

/** What `look` finds, once it finds something. */
async function found(look) {
  for (let asked = 0; asked < 2_000; asked += 1) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing comes of ${look}`);
}

/** Every list of both clients, and every record by its number. */
async function listEverything() {
  const known = await client.getApplication({ application });
  assert.equal(known.applicationAddress, application);
  assert.equal(known.dataAvailability.type, 'InputBox');
  const of = { application, epochIndex: 0n, tournamentAddress: zeroAddress };
  const id = { ...of, idHash: `0x${'00'.repeat(32)}` };
  assert.deepEqual((await client.listApplications()).data, [known]);
  for (const list of [
    client.listTournaments({ application }),
    client.listCommitments({ application }),
    client.listMatches({ application }),
    client.listMatchAdvances(id),
    client.listWithdrawals({ application }),
  ]) {
    assert.deepEqual((await list).data, []);
  }
  const [epoch] = (await client.listEpochs({ application })).data;
  assert.deepEqual(await client.getEpoch({ application, epochIndex: epoch.index }), epoch);
  for (const status of ['CLAIM_STAGED', 'CLAIM_FORECLOSED']) {
    await client.listEpochs({ application, status });
  }
  const inputs = (await client.listInputs({ application })).data;
  assert.deepEqual(await client.getInput({ application, inputIndex: 0n }), inputs[0]);
  const outputs = (await client.listOutputs({ application, outputType: 'Voucher' })).data;
  assert.equal(outputs[0].decodedData.type, 'Voucher');
  await client.listOutputs({ application, outputType: 'Notice', inputIndex: 1n });
  await client.listReports({ application, descending: true });
  assert.equal(await client.getProcessedInputCount({ application }), BigInt(inputs.length));
  assert.equal(await client.getChainId(), await l1.getChainId());
  assert.match(await client.getNodeVersion(), /devnet/);
  for (const record of [known, epoch, inputs[0], outputs[0]]) {
    assert.ok(record.createdAt.getTime() > 0, 'every record is dated');
  }
  const listed = await plain.request('cartesi_listInputs', { application, limit: 1 });
  assert.equal(listed.pagination.total_count, inputs.length);
  const [first] = listed.data;
  assert.equal(BigInt(first.index), inputs[0].index);
  assert.equal(first.transaction_hash, first.transaction_reference);
}

const value = parseEther('1');
const deposit = await wallet.depositEther({ application, execLayerData: '0x', value });
assert.equal((await processed(await input(deposit))).status, 'ACCEPTED');

const abi = parseAbi(['function withdraw(address asset, uint256 amount)']);
const payload = encodeFunctionData({ abi, functionName: 'withdraw', args: [zeroAddress, value] });
const inputIndex = await input(await wallet.addInput({ application, payload }));
assert.equal((await processed(inputIndex)).status, 'ACCEPTED');
await listEverything();

const vouchers = { application, inputIndex, outputType: 'Voucher' };
const [voucher] = (await client.listOutputs(vouchers)).data;
assert.equal(voucher.decodedData.value, value);
const accepted = { application, epochIndex: voucher.epochIndex };
await found(async () => (await client.getEpoch(accepted)).status === 'CLAIM_ACCEPTED');
const last = await client.getLastAcceptedEpochIndex({ application });
assert.equal(last, voucher.epochIndex);
const output = await client.getOutput({ application, outputIndex: voucher.index });
assert.equal(await reader.validateOutput({ application, output }), true);
const execution = await wallet.executeOutput({ application, output });
const [executed] = getOutputsExecuted(await l1.waitForTransactionReceipt({ hash: execution }));
assert.equal(executed.outputIndex, voucher.index);
await found(async () => {
  const seen = await client.getOutput({ application, outputIndex: voucher.index });
  return seen.executionTransactionHash === execution;
});
console.log('played');
