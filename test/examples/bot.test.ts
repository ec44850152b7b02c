import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe('examples/bot.ts', () => {
  it('exits with code 0 on SIGTERM, with no failed call', async () => {
    const bot = spawn(process.execPath, ['--import', 'tsx', 'examples/bot.ts'], {
      cwd: ROOT,
      env: { ...process.env, BOT_SECONDS: '60' },
    });
    let output = '';
    let signalled = false;
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      // a revoked token was refused and the bot continues: stop it now
      if (!signalled && output.includes('rejected')) signalled = bot.kill('SIGTERM');
    };
    bot.stdout.on('data', read);
    bot.stderr.on('data', read);
    const [code, signal] = (await once(bot, 'exit')) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(output).toMatch(/\d+ calls, 0 failed/u);
  }, 60_000);
});
