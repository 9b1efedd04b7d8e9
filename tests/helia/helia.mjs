// Helia's own importer, exporter and blocks, without its network.
//
//   node helia.mjs vectors FILE   writes the CIDs Helia gives to made-up files of many sizes
//   node helia.mjs serve          serves one blockstore as Kubo's RPC and as a trustless gateway;
//                                 says its port in one line, ends when standard input does
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { car } from '@helia/car'
import { unixfs } from '@helia/unixfs'
import * as dagPb from '@ipld/dag-pb'
import { defaultLogger } from '@libp2p/logger'
import { MemoryBlockstore } from 'blockstore-core'
import { importBytes } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'

const MIB = 1_048_576
const CODECS = [raw, dagPb]

// Leaf size to links per node: Kubo's CIDv1 with raw leaves, and unixfs-v1-2025.
const PROFILES = new Map([[262_144, 174], [MIB, 1_024]])

function importer (leafSize) {
  return {
    cidVersion: 1,
    rawLeaves: true,
    fieldOrder: 'links-first',
    chunker: fixedSize({ chunkSize: leafSize }),
    layout: balanced({ maxChildrenPerNode: PROFILES.get(leafSize) })
  }
}

// Byte i is the highest byte of the state after i + 1 steps.
function file (size) {
  const bytes = new Uint8Array(size)
  let state = 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

async function vectors (path) {
  const full = 174 * 262_144
  const sizes = [0, 1, 262_143, 262_144, 262_145, MIB, MIB + 1, 3 * MIB, full, full + 1, 50 * MIB]
  const lines = []
  for (const leafSize of PROFILES.keys()) {
    for (const size of sizes) {
      const { cid } = await importBytes(file(size), new MemoryBlockstore(), importer(leafSize))
      lines.push(`    ${JSON.stringify({ size, leaf_size: leafSize, cid: cid.toString() })}`)
    }
  }
  const bytes = 'state = 1; for each byte: state = (1664525 * state + 1013904223) mod 2^32, byte = state >> 24'
  writeFileSync(path, [
    '{',
    '  "made_by": "Helia (ipfs-unixfs-importer 17.1.1), by tests/helia/helia.mjs vectors",',
    `  "bytes": ${JSON.stringify(bytes)},`,
    '  "vectors": [',
    lines.join(',\n'),
    '  ]',
    '}',
    ''
  ].join('\n'))
}

function serve () {
  const blockstore = new MemoryBlockstore()
  const getCodec = code => CODECS.find(codec => codec.code === code)
  const cars = car({ blockstore, getCodec, logger: defaultLogger() })
  const files = unixfs({ blockstore })

  async function uploaded (request) {
    const headers = { 'content-type': request.headers['content-type'] }
    const form = await new Response(await buffer(request), { headers }).formData()
    return new Uint8Array(await form.get('file').arrayBuffer())
  }

  const block = async cid => await buffer(Readable.from(blockstore.get(cid)))

  // Each block once, as gateways do unless asked for duplicates.
  function exportCar (cid) {
    const seen = new Set()
    const key = hash => Buffer.from(hash).toString('hex')
    const blockFilter = { has: hash => seen.has(key(hash)), add: hash => seen.add(key(hash)) }
    return cars.export(cid, { blockFilter })
  }

  const routes = {
    'POST /api/v0/add': async (request, query) => {
      const leafSize = Number(query.get('chunker').slice('size-'.length))
      const { cid, size } = await importBytes(await uploaded(request), blockstore, importer(leafSize))
      return [JSON.stringify({ Name: cid.toString(), Hash: cid.toString(), Size: String(size) }) + '\n']
    },
    'POST /api/v0/block/put': async (request, query) => {
      const bytes = await uploaded(request)
      const codec = query.get('cid-codec') === 'raw' ? raw : dagPb
      const cid = CID.createV1(codec.code, await sha256.digest(bytes))
      await blockstore.put(cid, bytes)
      return [JSON.stringify({ Key: cid.toString(), Size: bytes.length }) + '\n']
    },
    'POST /api/v0/block/get': async (_, query) => [await block(CID.parse(query.get('arg')))],
    'POST /api/v0/cat': async (_, query) => files.cat(CID.parse(query.get('arg'))),
    'GET /ipfs/raw': async (_, __, cid) => [await block(cid)],
    'GET /ipfs/car': async (_, __, cid) => exportCar(cid)
  }

  // Below /damaged the last byte of every answer is another one; below /raw-only there is no CAR.
  async function answer (request, response) {
    const url = new URL(request.url, 'http://localhost')
    const [, mood, path] = /^(\/damaged|\/raw-only)?(\/.*)$/.exec(url.pathname)
    const format = url.searchParams.get('format')
    const cid = path.startsWith('/ipfs/') ? CID.parse(path.slice('/ipfs/'.length)) : undefined
    const route = routes[`${request.method} ${cid == null ? path : `/ipfs/${format}`}`]
    if (route == null || (mood === '/raw-only' && format === 'car')) {
      response.writeHead(406).end('not served here')
      return
    }
    const parts = await route(request, url.searchParams, cid)
    response.setHeader('content-type', cid == null ? 'application/json' : `application/vnd.ipld.${format}`)
    if (mood === '/damaged') {
      const bytes = Buffer.from(await buffer(Readable.from(parts)))
      bytes[bytes.length - 1] ^= 1
      response.end(bytes)
    } else {
      await pipeline(Readable.from(parts), response)
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      if (!response.headersSent) response.writeHead(500)
      response.end(JSON.stringify({ Message: error.message, Code: 0, Type: 'error' }))
    })
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.resume().on('end', () => process.exit(0))
}

const [command, path] = process.argv.slice(2)
if (command === 'vectors' && path != null) await vectors(path)
else if (command === 'serve') serve()
else throw new Error('say vectors FILE or serve')
