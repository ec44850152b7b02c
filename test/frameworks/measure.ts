import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import type { Connection, Way } from './connection.ts';
import { attempt, type MeasuredCalls, type Measurement } from './measurement.ts';

// Measures each way to give a bot to a framework, and writes the measurements to a file. Arguments: the folder with the packages, the
// file, and the programs. Each program needs packages that only its folder has, so this runs as a process of its own.

const CALLS = 20;
const [, , folder = '', output = '', ...programs] = process.argv;

async function measure(way: Way): Promise<Measurement> {
  const enterprise = await startSandbox();
  const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);
  try {
    let connection: Connection | undefined;
    const connect = await attempt(async () => {
      connection = await way.connect(bot, 'issues');
    });
    const calls = connection && (await measureCalls(connection, enterprise));
    const refused = await attempt(async () => (await way.connect(bot, 'database')).close());
    return { package: way.package, version: versionOf(way.package), passes: way.passes, connect, refused, ...calls };
  } finally {
    await bot.close();
    await enterprise.close();
  }
}

async function measureCalls(connection: Connection, enterprise: Sandbox): Promise<MeasuredCalls> {
  const as = enterprise.authorizationServers.main;
  const list = async () => attempt(async () => connection.call('list_issues'));
  const first = await list();
  const tokensBefore = as.requests.token;
  as.revokeTokens();
  const afterRevocation = await Promise.all(Array.from({ length: CALLS }, list));
  // Half of the calls are sent, and one of them is answered, when the token is revoked and the other half is sent.
  const half = Array.from({ length: CALLS / 2 }, list);
  await half[0];
  as.revokeTokens();
  const aroundRevocation = await Promise.all([...half, ...Array.from({ length: CALLS / 2 }, list)]);
  const newTokens = as.requests.token - tokensBefore;
  const issue = { title: 'Printer', body: 'Out of paper.' };
  const stepUp = await attempt(async () => connection.call('create_issue', issue));
  await enterprise.servers.issues.dropSessions();
  const lostSession = await list();
  const lostSessionAgain = await list();
  await connection.close();
  return { first, afterRevocation, aroundRevocation, newTokens, stepUp, lostSession, lostSessionAgain };
}

/** The version of the package that the programs of the folder import: its own, or one of the repository. */
function versionOf(name: string): string {
  for (const root of [folder, join(import.meta.dirname, '../..')]) {
    try {
      const manifest: { version: string } = JSON.parse(
        readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
      );
      return manifest.version;
    } catch {
      // The package is installed in the other place.
    }
  }
  return 'unknown';
}

const measurements: Measurement[] = [];
for (const program of programs) {
  const { ways }: { ways: readonly Way[] } = await import(resolve(folder, program));
  for (const way of ways) measurements.push(await measure(way));
}
writeFileSync(output, JSON.stringify(measurements, null, 1));
// Some frameworks keep timers after they are closed.
process.exit();
