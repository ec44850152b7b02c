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
  { name: '@isaacs/ttlcache', licence: BLUE_OAK, reason: TOOL },
  { name: 'argparse', licence: 'Python-2.0', reason: TOOL },
  { name: 'spawndamnit', licence: 'SEE LICENSE IN LICENSE', reason: 'that file is the MIT licence' },
  { name: 'caniuse-lite', licence: 'CC-BY-4.0', reason: 'data that the compiler of jest reads; it is not published' },
  ...['@a2a-js/sdk', 'pipenet'].map((name) => ({
    name,
    licence: 'no licence',
    reason:
      'its package.json names none, and its file LICENSE is a licence of the list; a framework in the examples installs it',
  })),
  {
    name: 'human-readable-ids',
    licence: 'Apache2',
    reason: 'that is Apache-2.0; a framework in the examples installs it',
  },
  {
    name: 'uri-templates',
    licence: 'http://geraintluff.github.io/tv4/LICENSE.txt',
    reason: 'that file puts it into the public domain; a framework in the examples installs it',
  },
];
