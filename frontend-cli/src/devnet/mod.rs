//! The local stand-in for the Cartesi node.
