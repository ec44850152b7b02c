import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Load average of the minute before the run. More than a few tenths means that other processes were busy. */
  readonly loadBefore: number;
  /** Versions of the packages that take part in the measurements. */
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
}

const PACKAGES = ['@modelcontextprotocol/client', '@modelcontextprotocol/sdk', 'jose', 'oauth4webapi', 'redis'];

export async function thisMachine(): Promise<Machine> {
  const versions = await Promise.all(PACKAGES.map(async (name) => [name, await versionOf(name)] as const));
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    versions: Object.fromEntries(versions),
    date: new Date().toISOString().slice(0, 10),
  };
}

export function describeMachine({ cpu, cores, memoryGiB, system, node, loadBefore, versions, date }: Machine): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date}, ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, load before ${loadBefore.toFixed(1)}; ${packages.join(', ')}`;
}

async function versionOf(name: string): Promise<string> {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
  return version;
}
