import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadTools } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ToolInputParsingException } from '@langchain/core/tools';
import { startToolWorld, type ToolWorld } from './support/tool-server.ts';

// a child process that starts servers can take long on a busy machine
jest.setTimeout(120_000);

const PROGRAM = fileURLToPath(new URL('support/hostile-arguments-process.ts', import.meta.url));

it('an input schema of a hostile server cannot stall the process when the arguments of the model are validated', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', PROGRAM], {
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
  expect(stdout.trim().split('\n')).toHaveLength(16);
});

describe('the arguments of a tool', () => {
  const inputSchema = {
    type: 'object',
    properties: { id: { type: 'string', pattern: '^(?:[A-Z]+-)+[0-9]+$' }, count: { type: 'integer' } },
    required: ['count'],
  };
  let world: ToolWorld;
  let close: () => Promise<void>;
  let invoke: (input: Record<string, unknown>) => Promise<unknown>;

  beforeEach(async () => {
    world = await startToolWorld([
      { tool: { name: 'find', inputSchema }, result: { content: [{ type: 'text', text: 'found' }] } },
    ]);
    const loaded = await loadTools(world.bot, ['tools']);
    close = loaded.close;
    invoke = async (input) => loaded.tools[0]?.invoke(input);
  });

  afterEach(async () => {
    await close();
    await world.close();
  });

  it('are sent if they are valid, also if they are a tool call of a model', async () => {
    expect(await invoke({ id: 'BOT-A-1', count: 1 })).toBe('found');
    const call = { type: 'tool_call', id: 'call-1', name: 'find', args: { count: 2 } };
    expect(await invoke(call)).toMatchObject({ content: 'found', tool_call_id: 'call-1' });
  });

  it.each([[{}], [{ count: 'one' }], [{ type: 'tool_call', id: 'call-1', name: 'find', args: {} }]])(
    'are refused if they are invalid, with the exception of LangChain: %j',
    async (input) => {
      await expect(invoke(input)).rejects.toThrow(ToolInputParsingException);
      await expect(invoke(input)).rejects.toThrow('did not match expected schema');
    },
  );
});
