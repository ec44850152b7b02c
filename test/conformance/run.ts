import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { ROOT, suiteNode, type SuiteVersion } from './suite-version.ts';

/** The scenarios of extensions that Credence implements, with the names of all versions of the suite. */
const IMPLEMENTED = /^auth\/(client-credentials|cross-app-access|enterprise-managed|wif)/;

const Check = z.looseObject({
  id: z.string(),
  name: z.string().optional(),
  description: z.string().optional(),
  /** SUCCESS, FAILURE, WARNING, INFO, SKIPPED, or a status that a newer suite adds. */
  status: z.string(),
  errorMessage: z.string().optional(),
});

export type Check = z.infer<typeof Check>;

export interface ScenarioRun {
  /** The exit code of the suite. It is 0 if no check failed or warned and the client exited with 0. */
  readonly exitCode: number | null;
  readonly checks: readonly Check[];
  /** The output of the suite and of the client, to show when a test fails. */
  readonly output: string;
}

export interface RunOptions {
  readonly suite: SuiteVersion;
  readonly scenario: string;
  /** The command line of the client. The suite appends the URL of the server. */
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The MCP revision of the server. It is passed with `--force`, because scenarios of extensions belong to no revision. */
  readonly specVersion?: string;
  /** The time limit for the client, in milliseconds. */
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
  /** Called with each line of stdout when it is printed. */
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

/** The scenarios of a version of the suite that Credence implements, in the order of the suite. */
export async function listScenarios(suite: SuiteVersion): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await runSuite(suite, ['list', '--client']);
  const names = [...stdout.matchAll(/^\s*-\s+(\S+)/gm)].map((match) => match[1] ?? '');
  const implemented = names.filter((name) => IMPLEMENTED.test(name));
  if (implemented.length === 0) {
    throw new Error(
      `Conformance ${suite.version} lists no scenario that Credence implements (exit ${exitCode}): ${stdout}${stderr}`,
    );
  }
  return implemented;
}

/**
 * Runs all scenarios for authorization servers against the server with the issuer `url`. Resolves to the results of the suite.
 * With `client` the suite also runs the authorization code grant, and `signIn` plays the browser of the user.
 */
export async function runAuthorizationScenarios(options: {
  readonly suite: SuiteVersion;
  readonly url: string;
  readonly client?: {
    readonly id: string;
    /** The suite waits for the redirect at `http://127.0.0.1:PORT/callback`. */
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
      // If the sign-in fails, a request to the callback ends the scenario. Otherwise the suite waits until its time limit.
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

/** Runs one scenario with a client command. Resolves to the results of the suite. */
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
