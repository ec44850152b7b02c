import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisIsInstalled } from '../../support/redis-server.ts';
import { readDocuments } from '../rows.ts';
import { checkLinks, linkMessage } from './links.ts';
import { readTestRun } from './test-run.ts';

/**
 * What the reporter does after a full run: the text to print, and whether the run is a failure. `folder` is where the tables
 * are. Default: test/requirements.
 */
export function report(results: unknown, root: string, folder?: string): { message: string; failed: boolean } {
  const found = checkLinks(readDocuments(folder), readTestRun(results, root), {
    mayLeaveOut: (file) => mayLeaveOut(join(root, file)),
  });
  return { message: linkMessage(found), failed: found.broken.length > 0 };
}

/** Tests of `describeWithRedis` are skipped where redis-server is not installed, which CI does not allow. */
function mayLeaveOut(path: string): boolean {
  if (process.env['CI'] === 'true' || redisIsInstalled()) return false;
  return readFileSync(path, 'utf8').includes('describeWithRedis');
}
