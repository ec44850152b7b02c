import { spawn } from 'node:child_process';
import { ROOT } from './projects.ts';

const TIMEOUT_MS = 120_000;

/** Runs a program in TypeScript. Rejects with its output if it does not exit with 0. Resolves to its output. */
export async function run(node: string, program: string, args: readonly string[] = []): Promise<string> {
  const child = spawn(node, ['--import', 'tsx', program, ...args], { cwd: ROOT, timeout: TIMEOUT_MS });
  const output: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => output.push(String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}:\n${output.join('')}`);
  return output.join('');
}
