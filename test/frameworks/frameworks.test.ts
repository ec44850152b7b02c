import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeWithFrameworks } from './installed.ts';
import type { Measurement } from './measurement.ts';
import { run } from './process.ts';
import { EXAMPLES, PROJECTS, ROOT, type Project } from './projects.ts';
import { tableIn, tableOf } from './table.ts';

// Each test runs programs as processes.
jest.setTimeout(180_000);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameworks-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function measured({ programs, node }: Project, files: readonly string[]): Promise<readonly Measurement[]> {
  const output = join(folder, 'measurements.json');
  await run(node(), join(ROOT, 'test/frameworks/measure.ts'), [programs, output, ...files]);
  return JSON.parse(await readFile(output, 'utf8'));
}

/** Puts a program and all its packages into one file, as applications are deployed. Returns its path. */
async function bundled({ programs }: Project, name: string): Promise<string> {
  const file = join(folder, `${name}.mjs`);
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(ROOT)});`;
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [
    join(programs, `${name}.ts`),
    '--bundle',
    '--platform=node',
    '--format=esm',
    `--banner:js=${banner}`,
    `--outfile=${file}`,
  ]);
  return file;
}

describeWithFrameworks('the frameworks', () => {
  const measurements: Measurement[] = [];

  it.each(PROJECTS)(
    'lose no call at a revocation, or refuse the auth provider when they connect ($examples)',
    async (project) => {
      const found = await measured(
        project,
        project.names.map((name) => `${name}.ts`),
      );
      measurements.push(...found);
      for (const { package: name, passes, connect, first, newTokens, ...rest } of found) {
        const what = `${name} with ${passes}`;
        if (connect !== 'ok') {
          expect([what, connect]).toEqual([what, expect.stringContaining("Pass fetch: bot.fetchFor('issues')")]);
          expect(passes).toBe('authProvider');
          continue;
        }
        const lost = [...(rest.afterRevocation ?? []), ...(rest.aroundRevocation ?? [])].filter(
          (each) => each !== 'ok',
        );
        expect([what, first, lost, newTokens]).toEqual([what, 'ok', [], 2]);
      }
    },
  );

  it('of old SDKs and @ai-sdk/mcp refuse the auth provider when they are bundled, too, and newer SDKs lose no call', async () => {
    const [project] = PROJECTS;
    assert.ok(project);
    const names = ['ai-sdk', 'mcp-sdk-1.20', 'mcp-sdk-1.26'];
    const files = await Promise.all(names.map(async (name) => bundled(project, name)));
    const found = (await measured(project, files)).filter(({ passes }) => passes === 'authProvider');
    const refused = expect.stringContaining("Pass fetch: bot.fetchFor('issues')");
    expect(found.map(({ package: name, connect }) => [name, connect])).toEqual([
      ['@ai-sdk/mcp', refused],
      ['mcp-sdk-1.20', refused],
      ['mcp-sdk-1.26', 'ok'],
    ]);
    const { afterRevocation = [], aroundRevocation = [] } = found[2] ?? {};
    expect(new Set([...afterRevocation, ...aroundRevocation])).toEqual(new Set(['ok']));
  });

  it('behave as the table of docs/frameworks.md says', async () => {
    const page = await readFile(join(ROOT, 'docs/frameworks.md'), 'utf8');
    const expected = tableOf(measurements);
    // The output of a failure can be copied into the page.
    expect(tableIn(page).map((cells) => `| ${cells.join(' | ')} |`)).toEqual(
      expected.map((cells) => `| ${cells.join(' | ')} |`),
    );
  });

  const examples = PROJECTS.flatMap(({ examples: place, node }) =>
    readdirSync(join(EXAMPLES, place))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ example: join(place, file), node })),
  );

  it.each(examples)('the example $example runs', async ({ example, node }) => {
    expect(await run(node(), join(EXAMPLES, example))).not.toBe('');
  });

  it.each(PROJECTS)(
    'compiles without a cast, with the types of Node alone and with those of a browser ($examples)',
    async (project) => {
      await compile(join(project.programs, 'tsconfig.json'));
      await compile(join(project.programs, 'tsconfig.dom.json'));
    },
  );
});

/** Runs the compiler. Rejects with its output if it finds an error. */
async function compile(project: string): Promise<void> {
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}
