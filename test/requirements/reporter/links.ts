import type { RequirementsDocument } from '../rows.ts';
import { nearestTitles } from './nearest-titles.ts';
import type { TestCase, TestRun } from './test-run.ts';

/** A reference from a row of a table to a test. */
export interface Link {
  readonly id: string;
  /** The yaml file of the table. */
  readonly source: string;
  readonly file: string;
  readonly title: string;
}

export interface BrokenLink extends Link {
  readonly problem: string;
  /** Similar titles, or files that may have the test. */
  readonly suggestions: readonly string[];
}

export interface LinkReport {
  readonly broken: readonly BrokenLink[];
  /** Links to tests that were skipped because this machine has no redis-server. */
  readonly skipped: readonly Link[];
  /** The number of links to tests that passed. */
  readonly valid: number;
  /** The number of links to files that were not part of the run. */
  readonly notCovered: number;
}

export interface LinkCheck {
  /** Files whose tests may be skipped on this machine. */
  readonly maySkip?: (file: string) => boolean;
  /** Whether a file was part of the run. Default: all files were. */
  readonly covers?: (file: string) => boolean;
  /** True for a run that only lists titles: links to skipped tests are valid. */
  readonly titlesOnly?: boolean;
}

/** Checks that every test named in a table exists in the run and passed. */
export function checkLinks(
  documents: readonly RequirementsDocument[],
  run: TestRun,
  { maySkip = () => false, covers = () => true, titlesOnly = false }: LinkCheck = {},
): LinkReport {
  const links = documents.flatMap(linksOf);
  const checked = links.filter(({ file }) => covers(file));
  const broken: BrokenLink[] = [];
  const skipped: Link[] = [];
  for (const link of checked) {
    const problem = problemOf(link, run, titlesOnly);
    if (problem === undefined) continue;
    if (problem === 'skipped' && maySkip(link.file)) skipped.push(link);
    else if (problem === 'skipped') broken.push({ ...link, problem: 'the test was skipped', suggestions: [] });
    else broken.push({ ...link, ...problem });
  }
  return {
    broken,
    skipped,
    valid: checked.length - broken.length - skipped.length,
    notCovered: links.length - checked.length,
  };
}

function linksOf({ source, requirements }: RequirementsDocument): Link[] {
  return requirements.flatMap(({ id, tests = [] }) =>
    tests.flatMap(({ file, titles }) => titles.map((title) => ({ id, source, file, title }))),
  );
}

type Problem = Pick<BrokenLink, 'problem' | 'suggestions'>;

function problemOf({ file, title }: Link, run: TestRun, titlesOnly: boolean): Problem | 'skipped' | undefined {
  const ran = run.get(file);
  if (ran === undefined) {
    return { problem: 'no such file of tests ran', suggestions: filesFor(file, title, run) };
  }
  if (ran.broken) return { problem: 'the file failed before its tests ran', suggestions: [] };
  const named = testsNamed(title, ran.tests);
  if (named.length === 0) {
    const titles = ran.tests.map((test) => test.title);
    return { problem: 'no test of this file has that title', suggestions: nearestTitles(title, titles) };
  }
  const failed = named.filter(({ status }) => status === 'failed').map((test) => test.title);
  if (failed.length > 0) return { problem: 'the test failed', suggestions: failed.slice(0, 3) };
  return !titlesOnly && named.some(({ status }) => status === 'skipped') ? 'skipped' : undefined;
}

/** The tests with this title. A `*` in the title matches any text. */
function testsNamed(title: string, tests: readonly TestCase[]): readonly TestCase[] {
  const pattern = new RegExp(`^${title.split('*').map(escaped).join('.*')}$`, 'su');
  return tests.filter((test) => pattern.test(test.title));
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}

/** The files that have a test with this title, or else the files with the same name in other folders. */
function filesFor(file: string, title: string, run: TestRun): string[] {
  const names = [...run.keys()];
  const having = names.filter((name) => testsNamed(title, run.get(name)?.tests ?? []).length > 0);
  if (having.length > 0) return having.slice(0, 3);
  const base = `/${file.split('/').at(-1) ?? file}`;
  return names.filter((name) => name.endsWith(base)).slice(0, 3);
}

/** The report as a text to print. Empty if no link is broken or skipped. */
export function linkMessage({ broken, skipped }: LinkReport): string {
  return [...brokenLines(broken), ...skippedLines(skipped)].join('\n');
}

function brokenLines(broken: readonly BrokenLink[]): string[] {
  if (broken.length === 0) return [];
  return [
    `Tests named in test/requirements that did not pass: ${broken.length}`,
    ...broken.flatMap(({ id, source, file, title, problem, suggestions }) => [
      '',
      `  ${id} (${source}): ${problem}`,
      `    file:  ${file}`,
      `    title: ${title}`,
      ...suggestions.map((suggestion) => `    maybe: ${suggestion}`),
    ]),
  ];
}

function skippedLines(skipped: readonly Link[]): string[] {
  if (skipped.length === 0) return [];
  const ids = [...new Set(skipped.map(({ id }) => id))];
  return [`Requirements whose tests were SKIPPED because redis-server is not installed: ${ids.join(', ')}`];
}
