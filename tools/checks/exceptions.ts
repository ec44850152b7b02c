import type { Exception } from './dependencies.ts';

const BLUE_OAK = 'BlueOak-1.0.0';
const TOOL = 'permissive, and only in tools that are never published';

/** Dependencies with a licence outside the list. A line that nothing needs any more is a fault. */
export const EXCEPTIONS: readonly Exception[] = [
  ...[
    'glob',
    'graceful-fs',
    'jackspeak',
    'lru-cache',
    'minimatch',
    'minipass',
    'package-json-from-dist',
    'path-scurry',
  ].map((name) => ({ name, licence: BLUE_OAK, reason: TOOL })),
  { name: 'argparse', licence: 'Python-2.0', reason: TOOL },
  { name: 'caniuse-lite', licence: 'CC-BY-4.0', reason: "data that jest's compiler reads; nothing of it is published" },
];
