import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDocuments } from '../rows.ts';
import { checkLinks, linkMessage } from './links.ts';
import { readTestRun } from './test-run.ts';

// `npm run conformance:links -- result.json` checks that the tests named in the tables exist in `result.json`, the output of
// `jest --json --outputFile=result.json`. The run may be of all tests or of some files.
const root = join(import.meta.dirname, '../../..');
const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('Usage: npm run conformance:links -- <file written by: npm test -- --json --outputFile=<file>>');
  process.exit(2);
}
const run = readTestRun(JSON.parse(readFileSync(path, 'utf8')), root);
const report = checkLinks(readDocuments(), run, {
  covers: (file) => run.has(file) || !existsSync(join(root, file)),
  titlesOnly: true,
});
const message = linkMessage(report);
if (message !== '') console.error(message);
console.log(
  `${report.valid} links are valid, ${report.broken.length} are broken, ${report.notCovered} name files that are not in ${path}.`,
);
process.exitCode = report.broken.length > 0 ? 1 : 0;
