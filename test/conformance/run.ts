import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT, suiteNode, type SuiteVersion } from './suite-version.ts';

/** The scenarios of the extensions Credence implements, under all the names they have had. */
const OURS = /^auth\/(client-credentials|cross-app-access|enterprise-managed|wif)/;

const Check = z.looseObject({
  id: z.string(),
  name: z.string().optional(),
  description: z.string().optional(),
  /** SUCCESS, FAILURE, WARNING, INFO, SKIPPED; what a newer suite adds is not ours to refuse. */
  status: z.string(),
  errorMessage: z.string().optional(),
});

export type Check = z.infer<typeof Check>;

export interface ScenarioRun {
  /** Of the suite's process: 0 only if no check failed or warned and the client ended well. */
  readonly exitCode: number | null;
  readonly checks: readonly Check[];
  /** What the suite and the client printed, for a failing test to show. */
  readonly output: string;
}

export interface RunOptions {
  readonly suite: SuiteVersion;
  readonly scenario: string;
  /** The client's command line; the suite appends the server's URL. */
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The wire the suite's server speaks; `force` because extension scenarios belong to no revision. */
  readonly specVersion?: string;
  /** Milliseconds for the client. */
  readonly timeoutMs?: number;
}

interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runSuite(
  suite: SuiteVersion,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const child = spawn(suiteNode(), [suite.bin, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { exitCode, stdout, stderr };
}

/** The scenarios of ours that a version of the suite has, in its order. */
export async function listScenarios(suite: SuiteVersion): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await runSuite(suite, ['list', '--client']);
  const names = [...stdout.matchAll(/^\s*-\s+(\S+)/gm)].map((match) => match[1] ?? '');
  const ours = names.filter((name) => OURS.test(name));
  if (ours.length === 0) {
    throw new Error(`Conformance ${suite.version} lists no scenario of ours (exit ${exitCode}): ${stdout}${stderr}`);
  }
  return ours;
}

/** The scenarios a version of the suite has for authorization servers. */
export async function listAuthorizationScenarios(suite: SuiteVersion): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await runSuite(suite, ['list', '--authorization']);
  const names = [...stdout.matchAll(/^\s*-\s+(\S+)/gm)].map((match) => match[1] ?? '');
  if (names.length === 0) throw new Error(`Conformance ${suite.version} lists none (${exitCode}): ${stdout}${stderr}`);
  return names;
}

/** Runs one scenario against the authorization server at `url`, its issuer, and returns what the suite found. */
export async function runAuthorizationScenario(options: {
  readonly suite: SuiteVersion;
  readonly scenario: string;
  readonly url: string;
}): Promise<ScenarioRun> {
  const folder = await mkdtemp(join(tmpdir(), 'credence-conformance-'));
  try {
    const args = ['authorization', '--url', options.url, '--scenario', options.scenario, '--output-dir', folder];
    const { exitCode, stdout, stderr } = await runSuite(options.suite, args);
    const { checks } = await readResults(folder);
    return { exitCode, checks, output: [stderr, stdout].join('\n').trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readResults(folder: string): Promise<{ checks: readonly Check[]; client: string }> {
  const files = await readdir(folder, { recursive: true });
  const read = async (name: string): Promise<string | undefined> => {
    const file = files.find((path) => path.endsWith(name));
    return file === undefined ? undefined : readFile(join(folder, file), 'utf8');
  };
  const checks = z.array(Check).parse(JSON.parse((await read('checks.json')) ?? '[]'));
  return { checks, client: `${(await read('stdout.txt')) ?? ''}${(await read('stderr.txt')) ?? ''}` };
}

/** Runs one scenario against a client command and returns what the suite found. */
export async function runScenario(options: RunOptions): Promise<ScenarioRun> {
  const folder = await mkdtemp(join(tmpdir(), 'credence-conformance-'));
  try {
    const args = ['client', '--command', options.command, '--scenario', options.scenario, '--output-dir', folder];
    if (options.timeoutMs !== undefined) args.push('--timeout', String(options.timeoutMs));
    if (options.specVersion !== undefined) args.push('--spec-version', options.specVersion, '--force');
    const { exitCode, stdout, stderr } = await runSuite(options.suite, args, options.env);
    const { checks, client } = await readResults(folder);
    return { exitCode, checks, output: [client, stderr, stdout].join('\n').trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
