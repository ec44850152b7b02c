import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

async function printedBy(example: string): Promise<string[]> {
  const args = ['--import', 'tsx', `examples/${example}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 50_000 });
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

describe('the examples of the sandbox', () => {
  it('quickstart.ts prints a title and one line for each issue, and no JSON', async () => {
    const [title, ...issues] = await printedBy('quickstart.ts');
    expect(title).toBe('The issues that reporting-bot may read:');
    expect(issues).toHaveLength(5);
    for (const line of issues) expect(line).toMatch(/^ {2}H-\d{3} {2}[A-Z][^{}[\]"]+$/u);
  }, 60_000);

  it('sandbox-own-world.ts shows a call, a scope that is missing and a refusal of the IdP', async () => {
    await expect(printedBy('sandbox-own-world.ts')).resolves.toEqual([
      'forecast: Kiel: sun',
      expect.stringMatching(/^set_alarm: refused \(insufficient_scope\)/u),
      'who_is_on_call: mira, says the rota to script-bot',
      'script-bot at weather: refused by the IdP (access_denied)',
    ]);
  }, 60_000);

  it('sandbox-child.ts ends by itself', async () => {
    await expect(printedBy('sandbox-child.ts')).resolves.toEqual([expect.stringMatching(/^2 token requests/u)]);
  }, 60_000);
});
