// How `cartesi build` makes the machine for contracts 3.0.0-alpha, the line of its own devnet.
// What cartesi.toml says of memory and drives holds here as well.
import { defineConfig } from '@cartesi/cli/config';

export default defineConfig({
  machine: {
    assertRollingTemplate: true,
    entrypoint: 'rollup-init deml-dapp --blobs /mnt/blobs --memory 192',
    ramLength: '256Mi',
    useDockerEnv: true,
  },
  drives: {
    root: {
      builder: 'docker',
      buildArgs: ['GENESIS=genesis-alpha.json'],
      dockerfile: 'Dockerfile',
      format: 'ext2',
    },
    blobs: {
      builder: 'directory',
      directory: 'dapp/rollup/blobs',
      extraSize: '1Mi',
      format: 'ext2',
      mount: '/mnt/blobs',
    },
  },
});
