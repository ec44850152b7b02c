import { expect, it } from '@jest/globals';
import { PeerClocks } from './peer-clocks.ts';

const START = 1_800_000_000_000;

function clocks() {
  let monotonicMs = 5;
  let wallMs = START;
  const peers = new PeerClocks({ wallMs: () => wallMs, monotonicMs: () => monotonicMs });
  return {
    peers,
    pass: (ms: number) => void ((monotonicMs += ms), (wallMs += ms)),
    setWallClock: (ms: number) => void (wallMs = ms),
  };
}

it('the difference of a peer is that of its last response, however long ago', () => {
  const { peers, pass } = clocks();
  peers.note('https://as.example', START + 3_600_000);
  pass(60_000);
  expect(peers.skewSeconds('https://as.example')).toBe(3_600);
  peers.note('https://as.example', START + 61_000);
  expect(peers.skewSeconds('https://as.example')).toBeUndefined();
});

it('a correction of our clock counts without a new response', () => {
  const { peers, setWallClock } = clocks();
  peers.note('https://as.example', START + 3_600_000);
  setWallClock(START + 3_600_000);
  expect(peers.skewSeconds('https://as.example')).toBeUndefined();
});

it.each<[string, readonly number[], number | undefined]>([
  ['the difference of the others if they agree', [-898, -905, -900], -900],
  ['unknown if the others differ', [-900, 0], undefined],
  ['unknown if there are no others', [], undefined],
  ['not reported if the others are right', [2, -3], undefined],
])('the difference of a peer without a Date header is %s', (_what, others, skew) => {
  const { peers } = clocks();
  for (const [index, seconds] of others.entries()) peers.note(`https://${index}.example`, START + seconds * 1000);
  expect(peers.skewSeconds('https://silent.example')).toBe(skew);
});
