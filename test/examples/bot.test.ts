import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe('examples/bot.ts', () => {
  it('stops cleanly on SIGTERM, in the middle of its work', async () => {
    const bot = spawn(process.execPath, ['--import', 'tsx', 'examples/bot.ts'], {
      cwd: ROOT,
      env: { ...process.env, BOT_SECONDS: '60' },
    });
    let output = '';
    let told = false;
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      // it has met the revocation and goes on: now it is told to stop
      if (!told && output.includes('rejected')) told = bot.kill('SIGTERM');
    };
    bot.stdout.on('data', read);
    bot.stderr.on('data', read);
    const [code, signal] = (await once(bot, 'exit')) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(output).toMatch(/\d+ calls, 0 failed/u);
  }, 60_000);
});
