import type { Exception } from './dependencies.ts';

const BLUE_OAK = 'BlueOak-1.0.0';
const TOOL = 'a permissive licence, and only used in tools that are not published';

/** Dependencies with a licence outside the list. An entry that no dependency needs is reported as a fault. */
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
  { name: 'spawndamnit', licence: 'SEE LICENSE IN LICENSE', reason: 'that file is the MIT licence' },
  { name: 'caniuse-lite', licence: 'CC-BY-4.0', reason: 'data that the compiler of jest reads; it is not published' },
];
