import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisIsInstalled } from '../../support/redis-server.ts';
import { readDocuments } from '../rows.ts';
import { checkLinks, linkMessage } from './links.ts';
import { readTestRun } from './test-run.ts';

/**
 * Checks the results of a full run against the tables in `folder` (default: test/requirements). Returns the text to print, and
 * whether the run fails.
 */
export function report(results: unknown, root: string, folder?: string): { message: string; failed: boolean } {
  const found = checkLinks(readDocuments(folder), readTestRun(results, root), {
    maySkip: (file) => maySkip(join(root, file)),
  });
  return { message: linkMessage(found), failed: found.broken.length > 0 };
}

/** Whether tests may be skipped: with `describeWithRedis`, if redis-server is not installed and CI is not set. */
function maySkip(path: string): boolean {
  if (process.env['CI'] === 'true' || redisIsInstalled()) return false;
  return readFileSync(path, 'utf8').includes('describeWithRedis');
}
