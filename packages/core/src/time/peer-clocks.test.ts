import { expect, it } from '@jest/globals';
import { certainDifferenceMs, PeerClocks } from './peer-clocks.ts';

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

it('the difference that is used for signed times is exact to half a second, and 0 if the clocks agree', () => {
  const { peers } = clocks();
  const ISSUER = 'https://as.example';
  expect(peers.differenceMs(ISSUER)).toBe(0);
  for (const [dateMs, differenceMs] of [
    [-2_000, -1_500],
    [-3_000, -2_500],
    [2_000, 2_500],
    [0, 0],
    [3_600_000, 3_600_500],
    [40 * 3_600_000, 0],
  ] as const) {
    peers.note(ISSUER, START + dateMs);
    expect(peers.differenceMs(ISSUER)).toBe(differenceMs);
  }
});

it('the difference of a peer without a Date header is that of the others, also for signed times', () => {
  const { peers } = clocks();
  peers.note('https://a.example', START - 900_000);
  peers.note('https://b.example', START - 905_000);
  expect(peers.differenceMs('https://silent.example')).toBe(-905_000);
});

it('a response that a cache may have stored does not replace another one', () => {
  const { peers } = clocks();
  const ISSUER = 'https://as.example';
  peers.note(ISSUER, START - 60_000, { mayBeStored: true });
  expect(peers.skewSeconds(ISSUER)).toBe(-60);
  peers.note(ISSUER, START);
  peers.note(ISSUER, START - 60_000, { mayBeStored: true });
  expect(peers.skewSeconds(ISSUER)).toBeUndefined();
});

it.each([
  ['the clocks agree', 0, -999, 5, 0],
  ['the clocks agree and the response was slow', 0, -4_800, 8_000, 0],
  ['the peer is two seconds behind', -2_000, -2_000, 2, -1_499],
  ['the peer is two seconds behind and its second ends', -2_000, -2_999, 2, -2_498],
  ['the peer is two seconds ahead', 2_000, 2_000, 100, 2_550],
  ['the peer may be two seconds behind, but the response was slow', -2_000, -4_000, 4_000, 0],
])('a difference is used if the Date header shows it for certain: %s', (_what, _true, measuredMs, durationMs, used) => {
  expect(certainDifferenceMs(measuredMs, durationMs)).toBe(used);
});
