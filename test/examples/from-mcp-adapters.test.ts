import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = ['docs/agents.md', 'packages/langchain/README.md'];

/** The lines of a program, without the comment that says what it is. */
function linesOf(program: string): readonly string[] {
  const [, ...lines] = readFileSync(join(ROOT, 'examples/from-mcp-adapters', `${program}.ts`), 'utf8').split('\n');
  return lines;
}

/** The lines that only one of the programs has. All other lines are the same, in the same order. */
function changes(before: string, after: string): { readonly removed: string[]; readonly added: string[] } {
  const [old, changed] = [linesOf(before), linesOf(after)];
  const removed = old.filter((line) => !changed.includes(line));
  const added = changed.filter((line) => !old.includes(line));
  expect(changed.filter((line) => !added.includes(line))).toEqual(old.filter((line) => !removed.includes(line)));
  return { removed, added };
}

/** The changed lines of each diff in a page. */
function diffsIn(page: string): { readonly removed: string[]; readonly added: string[] }[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```diff\n(?<diff>.*?)^```$/gmsu)].map(({ groups }) => {
    const lines = (groups?.['diff'] ?? '').split('\n');
    const marked = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1));
    return { removed: marked('-'), added: marked('+') };
  });
}

describe('a program for mcp-adapters becomes that of a service principal', () => {
  it.each([
    ['with loadTools', 'agent-before', 'agent-after', 2],
    ['with its own client of mcp-adapters', 'agent-before', 'agent-same-client', 1],
    ['with its own client of the MCP SDK', 'own-client-before', 'own-client-after', 2],
  ])('%s, by two new lines in place of others', (_, before, after, removed) => {
    const { added, ...found } = changes(before, after);
    expect(added).toHaveLength(2);
    expect(found.removed).toHaveLength(removed);
    expect(PAGES.flatMap(diffsIn)).toContainEqual({ removed: found.removed, added });
  });

  it('in each diff of the pages', () => {
    for (const page of PAGES) {
      expect(diffsIn(page).length).toBeGreaterThan(0);
      for (const { added } of diffsIn(page)) expect(added).toHaveLength(2);
    }
  });

  it('and prints the same as before, without a key, and ends by itself', async () => {
    const args = ['--import', 'tsx', 'examples/from-mcp-adapters.ts'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 50_000 });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toEqual(Array.from({ length: 5 }, () => 'Open: H-104, H-103, H-101'));
  }, 60_000);
});
