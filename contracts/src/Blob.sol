// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

using {cid} for Blob global;

/// @notice Bytes named by what they are: the file whose CIDv1 has this sha2-256 digest.
/// @dev The CID is a raw block when `size <= leafSize`, else the root of the balanced UnixFS tree
/// with raw leaves of `leafSize` bytes.
struct Blob {
    /// sha2-256 digest of the block, or of the tree's root node.
    bytes32 digest;
    /// Length of the whole file in bytes.
    uint64 size;
    /// Bytes per leaf of the importer's profile: 262144 (174 links a node) or 1048576 (1024 links).
    uint32 leafSize;
}

bytes1 constant CID_VERSION_1 = 0x01;
bytes1 constant CODEC_RAW = 0x55;
bytes1 constant CODEC_DAG_PB = 0x70;
bytes2 constant MULTIHASH_SHA2_256 = 0x1220;

/// @notice The binary CID of a blob, 36 bytes.
/// @dev
///     byte  0      CID version
///     byte  1      codec of the named block: raw for a file of one leaf, else dag-pb
///     bytes 2-3    multihash: sha2-256, 32 bytes
///     bytes 4-35   digest
function cid(Blob memory blob) pure returns (bytes memory) {
    bytes1 codec = blob.size <= blob.leafSize ? CODEC_RAW : CODEC_DAG_PB;
    return abi.encodePacked(CID_VERSION_1, codec, MULTIHASH_SHA2_256, blob.digest);
}
