import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
  /** Told of every line as it is printed. */
  onLine: (line: string) => void = () => undefined,
): Promise<Finished> {
  const child = spawn(suiteNode(), [suite.bin, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    onLine(line);
  });
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

/**
 * Runs all scenarios for authorization servers against the one at `url`, its issuer, and returns what the suite found. It
 * tries the code grant as `client`, whose browser `signIn` is.
 */
export async function runAuthorizationScenarios(options: {
  readonly suite: SuiteVersion;
  readonly url: string;
  readonly client?: {
    readonly id: string;
    /** Where the suite waits: `http://127.0.0.1:PORT/callback`. */
    readonly port: number;
    readonly signIn: (url: string) => Promise<void>;
  };
}): Promise<ScenarioRun> {
  const { suite, url, client } = options;
  const folder = await mkdtemp(join(tmpdir(), 'credence-conformance-'));
  let signedIn: Promise<unknown> = Promise.resolve();
  try {
    const args = ['authorization', '--url', url, '--output-dir', folder];
    if (client !== undefined) args.push('--client-id', client.id, '--port', String(client.port));
    const { exitCode, stdout, stderr } = await runSuite(suite, args, {}, (line) => {
      if (client === undefined || !/^http\S*[?&]response_type=code/u.test(line)) return;
      // Where it fails the suite waits in vain: it is told so at once.
      signedIn = client.signIn(line).catch((error: unknown) => {
        const failure = new URLSearchParams({ error: 'sign_in_failed', error_description: String(error) });
        return fetch(`http://127.0.0.1:${client.port}/callback?${failure.toString()}`);
      });
    });
    await signedIn;
    const { checks } = await readResults(folder);
    return { exitCode, checks, output: [stderr, stdout].join('\n').trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readResults(folder: string): Promise<{ checks: readonly Check[]; client: string }> {
  const files = await readdir(folder, { recursive: true });
  const read = (name: string): Promise<readonly string[]> =>
    Promise.all(files.filter((path) => path.endsWith(name)).map((path) => readFile(join(folder, path), 'utf8')));
  const checks = (await read('checks.json')).flatMap((text) => z.array(Check).parse(JSON.parse(text)));
  return { checks, client: [...(await read('stdout.txt')), ...(await read('stderr.txt'))].join('') };
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
