import { checkList } from '../options/lists.ts';
import { checkNumber } from '../options/numbers.ts';
import { checkReplayStore } from '../replay/replay-store.ts';
import type { DpopOptions } from './proof.ts';

/** Throws a TypeError that begins with `where`, for invalid options. */
export function checkDpopOptions(where: string, options: DpopOptions | undefined): void {
  if (options === undefined) return;
  const { nonces, replay, maxAgeSeconds, algorithms } = options;
  checkNumber(where, 'dpop.maxAgeSeconds', maxAgeSeconds, { min: 1, max: 3600 });
  checkReplayStore(where, 'dpop.replay', replay);
  checkList(where, 'dpop.algorithms', algorithms);
  if (nonces !== undefined && typeof (nonces as Partial<typeof nonces> | null)?.acceptedUntil !== 'function') {
    throw new TypeError(`${where}: dpop.nonces is not an object that dpopNonces() returned`);
  }
}
