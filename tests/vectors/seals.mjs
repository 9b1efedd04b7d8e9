// Sealed blobs made by Node's own cryptography: node seals.mjs > seals.json
import { createCipheriv, createHash } from 'node:crypto'

const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
const repeated = (byte, length) => Buffer.alloc(length, byte)

function integer (value, bytes) {
  const field = Buffer.alloc(8)
  field.writeBigUInt64BE(BigInt(value))
  return field.subarray(8 - bytes)
}

function vector (chainId, leafSize, plain) {
  const [app, sender, salt, key, scope] = [[0xa1, 20], [0xb2, 20], [0xc3, 32], [0xd4, 32], [0xe5, 32]]
    .map(([byte, length]) => repeated(byte ^ plain.length, length))
  const domain = Buffer.concat([Buffer.from('DeML sealed blob 2')], 32)
  const digest = sha256(plain)
  const commitment = sha256(
    domain, integer(chainId, 8), app, scope, sender,
    digest, integer(plain.length, 8), integer(leafSize, 4), key, salt
  )
  const cipher = createCipheriv('chacha20-poly1305', key, repeated(0, 12), { authTagLength: 16 })
  cipher.setAAD(commitment, { plaintextLength: plain.length })
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return {
    chainId: String(chainId),
    app: hex(app),
    scope: hex(scope),
    sender: hex(sender),
    blob: { digest: hex(digest), size: String(plain.length), leafSize: String(leafSize) },
    salt: hex(salt),
    commitment: hex(commitment),
    key: hex(key),
    plain: hex(plain),
    sealed: hex(sealed)
  }
}

const seals = [
  vector(1n, 262_144, Buffer.from('')),
  vector(31_337n, 262_144, Buffer.from('a model')),
  vector(0xffff_ffff_ffff_ffffn, 1_048_576, repeated(0x5a, 200))
]
console.log(JSON.stringify({ seals }, null, 2))
