import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiReport, apiReports } from './api-reports.ts';
import { entryPoints, ROOT } from './entry-points.ts';
import { changedReports, type ReportFiles } from './report-files.ts';

const FOLDER = join(ROOT, 'api');

// Compares the committed API reports with the build. With --write it replaces them.
const reports = apiReports(entryPoints());
const built: ReportFiles = new Map(reports.map(({ name, text }) => [`${name}.api.md`, text]));
const write = process.argv.includes('--write');
if (write) replace(built);
const changes = write ? [] : changedReports(committedReports(), built);

for (const fault of [...faultsOf(reports), ...changes]) console.error(fault);
if (changes.length > 0) console.error('The public surface changed: run `npm run api` and commit the diff of api/.');
if (changes.length > 0 || faultsOf(reports).length > 0) process.exitCode = 1;

function committedReports(): ReportFiles {
  mkdirSync(FOLDER, { recursive: true });
  return new Map(readdirSync(FOLDER).map((file) => [file, readFileSync(join(FOLDER, file), 'utf8')]));
}

function replace(files: ReportFiles): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [file, text] of files) writeFileSync(join(FOLDER, file), text);
}

/** The faults of all reports, without duplicates: several entry points can report the same fault. */
function faultsOf(all: ApiReport[]): string[] {
  return [...new Set(all.flatMap(({ faults }) => faults))].toSorted();
}
