import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './entry-points.ts';

/** A block of TypeScript in a page or in a docstring. */
interface Block {
  /** The first line of the code. `end` is the line after the last. */
  readonly start: number;
  readonly end: number;
  /** The start of each line: empty in a page, ` * ` in a docstring. */
  readonly prefix: string;
  /** The file and region (`FILE#REGION`) in the comment above the block. Undefined without a comment. */
  readonly source: string | undefined;
}

const FROM = /^<!-- from (?<source>\S+) -->$/u;
const REGION = /^\s*\/\/ #region (?<name>\S+)$/u;
const END = /^\s*\/\/ #endregion$/u;

/** The pages and source files whose TypeScript blocks are copies of examples. */
export function filesWithBlocks(): string[] {
  const packages = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`);
  return [
    'README.md',
    ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
    ...packages.map((folder) => `${folder}/README.md`),
    ...packages.filter((folder) => existsSync(join(ROOT, folder, 'src'))).flatMap(sources),
  ].filter((path) => /\.(?:md|ts)$/u.test(path) && existsSync(join(ROOT, path)));
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => `${folder}/src/${path}`);
}

/** Replaces the code of every block by the code of its source file. Throws for a block that names no file. */
export function withCode(path: string, text: string, codeOf: (source: string) => string): string {
  const lines = text.split('\n');
  for (const { start, end, prefix, source } of blocksIn(lines, path.endsWith('.ts')).toReversed()) {
    if (source === undefined)
      throw new Error(`${path}:${start}: no comment names the file that the code is copied from`);
    const code = codeOf(source).replace(/\n$/u, '').split('\n');
    lines.splice(start, end - start, ...code.map((line) => `${prefix}${line}`.trimEnd()));
  }
  return lines.join('\n');
}

/** The lines of all `@example` tags that are not followed by a comment with the name of a source file. */
export function examplesWithoutSource(text: string): number[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const next = lines[at + 1]?.replace(/^\s*\* /u, '') ?? '';
    return /^\s*(?:\/\*)?\* @example\b/u.test(line) && !FROM.test(next) ? at + 1 : [];
  });
}

function blocksIn(lines: readonly string[], docstrings: boolean): Block[] {
  const blocks: Block[] = [];
  let open: Omit<Block, 'end'> | undefined;
  let lineAbove = '';
  for (const [at, line] of lines.entries()) {
    const prefix = docstrings ? /^\s*\* /u.exec(line)?.[0] : '';
    const text = prefix === undefined ? '' : line.slice(prefix.length);
    if (open !== undefined) {
      if (text !== '```') continue;
      blocks.push({ ...open, end: at });
      open = undefined;
    } else if (prefix !== undefined && text === '```ts') {
      open = { start: at + 1, prefix, source: FROM.exec(lineAbove)?.groups?.['source'] };
    }
    if (text.trim() !== '') lineAbove = text;
  }
  return blocks;
}

/** The code of `FILE` or `FILE#REGION`. */
export function codeFrom(source: string): string {
  const [file = '', region] = source.split('#');
  const text = readFileSync(join(ROOT, file), 'utf8');
  try {
    return regionOf(text, region);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * The lines between `// #region NAME` and its `// #endregion`, without their common indentation and without the marks of inner
 * regions. Without a name: the whole text without marks.
 */
export function regionOf(text: string, name: string | undefined): string {
  const lines = text.split('\n');
  const isMark = (line: string) => REGION.test(line) || END.test(line);
  if (name === undefined) return lines.filter((line) => !isMark(line)).join('\n');
  const start = lines.findIndex((line) => REGION.exec(line)?.groups?.['name'] === name);
  if (start < 0) throw new Error(`there is no region "${name}"`);
  let depth = 0;
  const length = lines.slice(start).findIndex((line) => {
    if (REGION.test(line)) depth += 1;
    if (END.test(line)) depth -= 1;
    return depth === 0;
  });
  if (length < 0) throw new Error(`region "${name}" has no end`);
  const body = lines.slice(start + 1, start + length).filter((line) => !isMark(line));
  const indent = Math.min(...body.filter((line) => line !== '').map((line) => line.length - line.trimStart().length));
  return `${body.map((line) => line.slice(indent)).join('\n')}\n`;
}
