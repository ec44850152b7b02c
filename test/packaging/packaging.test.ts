import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { attw, publint } from './checks.ts';
import { run, runOk } from './command.ts';
import { commonJsAgent } from './commonjs-agent.ts';
import { installCompilers, OLDEST_COMPILATIONS } from './oldest-typescript.ts';
import { buildAndPack, packageNames, type PackedPackage, ROOT } from './pack.ts';
import { installAll, type Project, PROJECTS } from './project.ts';
import { startSandboxCommand } from './sandbox-command.ts';

/** Each limit is several times what a machine with two cores needs. Downloads from the registry take most of the time. */
const BUILD_MS = 120_000;
const INSTALL_MS = 300_000;
const CHECK_MS = 60_000;
const COMPILE_MS = 180_000;

const PACKAGES = await packageNames();

let workspace: string;
let packed: readonly PackedPackage[];
let installs: ReadonlyMap<string, Promise<void>> = new Map();

const folderOf = ({ name }: Pick<Project, 'name'>) => join(workspace, name);

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'credence-packaging-'));
  packed = await buildAndPack(workspace);
  installs = installAll(folderOf, packed);
}, BUILD_MS);

afterAll(async () => {
  await Promise.allSettled(installs.values());
  await rm(workspace, { recursive: true, force: true });
});

function packageOf(name: string): PackedPackage {
  const found = packed.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

describe.each(PACKAGES)('%s', (name) => {
  test('contains all required files and no others', () => {
    const { files } = packageOf(name);
    const needed = ['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts'];
    const allowed =
      /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|dist\/.+\.((js|d\.ts)(\.map)?|d\.cts)|src\/.+\.ts)$/;
    const forTests = /\.test\.|(^|\/)(tests?|testing|test-support|fixtures|__\w+__)\//;
    expect({
      missing: needed.filter((file) => !files.includes(file)),
      surplus: files.filter((file) => !allowed.test(file) || forTests.test(file)),
    }).toEqual({ missing: [], surplus: [] });
  });

  test('contains the source files that its source maps name', async () => {
    const folder = join(workspace, 'unpacked', name);
    await mkdir(folder, { recursive: true });
    const { tarball, files } = packageOf(name);
    await runOk('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder], ROOT);
    const maps = files.filter((file) => file.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(0);
    for (const map of maps) {
      const { sources } = z
        .object({ sources: z.array(z.string()) })
        .parse(JSON.parse(await readFile(join(folder, map), 'utf8')));
      for (const source of sources) {
        await expect(readFile(join(folder, map, '..', source), 'utf8')).resolves.not.toBe('');
      }
    }
  });

  test(
    'satisfies publint',
    async () => {
      const { exitCode, stdout, stderr } = await publint(packageOf(name).tarball);
      expect({ exitCode, output: exitCode === 0 ? '' : stdout + stderr }).toEqual({ exitCode: 0, output: '' });
    },
    CHECK_MS,
  );

  test(
    'resolves with its types for an ESM consumer',
    async () => {
      const { exitCode, stdout, stderr } = await attw(packageOf(name));
      expect({ exitCode, output: exitCode === 0 ? '' : stdout + stderr }).toEqual({ exitCode: 0, output: '' });
    },
    CHECK_MS,
  );
});

describe.each(PROJECTS)('a new project of the kind $name', (project) => {
  let folder: string;

  beforeAll(async () => {
    folder = folderOf(project);
    await installs.get(project.name);
  }, INSTALL_MS);

  test.each(Object.entries(project.entries))(
    'imports %s',
    async (entry, names) => {
      const script = `import * as entry from '${entry}'; console.log(JSON.stringify(Object.keys(entry)))`;
      const stdout = await runOk(process.execPath, ['--input-type=module', '--eval', script], folder);
      expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([...names]));
    },
    CHECK_MS,
  );

  test.each(Object.entries(project.entries))(
    'requires %s from CommonJS',
    async (entry, names) => {
      const script = `console.log(JSON.stringify(Object.keys(require('${entry}'))))`;
      const stdout = await runOk(process.execPath, ['--input-type=commonjs', '--eval', script], folder);
      expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([...names]));
    },
    CHECK_MS,
  );

  test(
    'has one copy of each Credence package, so that instanceof works between them',
    async () => {
      const files = await readdir(join(folder, 'node_modules'), { recursive: true });
      const copies = files.filter((file) => /(^|\/)@credence\/[\w-]+$/u.test(file)).map((file) => basename(file));
      expect(copies.toSorted()).toEqual(project.installed.map((name) => basename(name)).toSorted());
    },
    CHECK_MS,
  );

  test('has no dependency that only another role or entry point needs', () => {
    const found = project.absent.filter((name) => existsSync(join(folder, 'node_modules', name)));
    expect(found).toEqual([]);
  });

  test.each([
    ...(project.checksDeclarations ? [['with the declarations', []] as const] : []),
    ['without the declarations', ['--skipLibCheck']] as const,
  ])(
    'compiles its programs as ES modules and as CommonJS, %s',
    async (_, options) => {
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
      const { exitCode, stdout } = await run(process.execPath, [compiler, '-p', '.', ...options], folder);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    },
    CHECK_MS,
  );
});

test(
  'a bot gets an access token from the sandbox with the installed packages',
  async () => {
    const script = `
      import { ServicePrincipal } from '@credence/core';
      import { startSandbox } from '@credence/sandbox';
      const sandbox = await startSandbox();
      const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
      const { type, scopes } = await bot.token('issues');
      console.log(JSON.stringify({ type, scopes }));
      await bot.close();
      await sandbox.close();
    `;
    const folder = join(workspace, 'enterprise');
    const stdout = await runOk(process.execPath, ['--input-type=module', '--eval', script], folder);
    expect(JSON.parse(stdout)).toEqual({ type: 'Bearer', scopes: ['issues:read'] });
  },
  CHECK_MS,
);

test(
  'an agent of a CommonJS program uses the tools, is interrupted and is refused',
  async () => {
    await Promise.all([installs.get('application'), installs.get('sandbox')]);
    const script = commonJsAgent(join(workspace, 'sandbox/node_modules/@credence/sandbox/dist/index.js'));
    const folder = join(workspace, 'application');
    const stdout = await runOk(process.execPath, ['--input-type=commonjs', '--eval', script], folder);
    expect(JSON.parse(stdout)).toEqual({
      answered: ['success', null, 'done'],
      approved: ['success', null, 'done'],
      refused: ['error', 'idp-admin', 'done'],
    });
  },
  INSTALL_MS,
);

describe('the sandbox in a new project', () => {
  let folder: string;

  beforeAll(async () => {
    folder = join(workspace, 'sandbox');
    await installs.get('sandbox');
  }, INSTALL_MS);

  test(
    'is started by npx, and the commands that it prints work there',
    async () => {
      const started = await startSandboxCommand(folder);
      try {
        expect(started.commands).toEqual([
          expect.stringMatching(/^\. \/.+\/reporting-bot\.env && node your-program\.js$/u),
          'npx @credence/sandbox --env reporting-bot -- node your-program.js',
        ]);
        for (const command of started.commands) {
          await expect(runOk('/bin/sh', ['-c', command], folder)).resolves.toBe('issues:read\n');
        }
      } finally {
        await started.stop();
      }
    },
    CHECK_MS,
  );

  test(
    'runs in a child process',
    async () => {
      const script = `
        import { startSandbox } from '@credence/sandbox';
        const sandbox = await startSandbox({ process: 'child' });
        await fetch(sandbox.idp.jwksUri);
        console.log(JSON.stringify([sandbox.pid === process.pid, (await sandbox.idp.requests()).jwks]));
      `;
      const stdout = await runOk(process.execPath, ['--input-type=module', '--eval', script], folder);
      expect(JSON.parse(stdout)).toEqual([false, 1]);
    },
    CHECK_MS,
  );
});

describe('the oldest supported TypeScript', () => {
  let compiler: (version: string) => string;

  beforeAll(async () => {
    const versions = new Set(OLDEST_COMPILATIONS.map(({ version }) => version));
    compiler = await installCompilers(versions, join(workspace, 'compilers'));
  }, INSTALL_MS);

  test.each(OLDEST_COMPILATIONS)(
    'compiles the project $project with $version, $options',
    async ({ project, version, options }) => {
      const { exitCode, stdout } = await run(
        process.execPath,
        [compiler(version), ...options],
        join(workspace, project),
      );
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    },
    COMPILE_MS,
  );
});
