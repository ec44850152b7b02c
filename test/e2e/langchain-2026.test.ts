import { type OnElicitation, refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ContentServer, startContentServer } from '../support/content-server.ts';
import { callAsAgent, type LangchainWorld, startLangchainWorld, toolNamed } from '../support/langchain-world.ts';
import { until } from './sdk-world.ts';

let world: LangchainWorld;
let server: ContentServer;

beforeEach(async () => {
  world = await startLangchainWorld();
  server = await startContentServer({ verify: world.oauth.as.verify }, 'reject');
  world.onClose(async () => server.close());
});
afterEach(async () => world.close());

/** These servers ask within the result of a call, and the client sends the call again with its answers. */
describe('a server of revision 2026-07-28', () => {
  const deploy = async (onElicitation?: OnElicitation, more: object = {}) => {
    const options = { sdk: 'v2' as const, ...(onElicitation && { onElicitation }), ...more };
    const loaded = await world.load({ s: server.url }, options);
    return { loaded, answer: await callAsAgent(toolNamed(loaded, 's__deploy'), { env: 'production' }) };
  };

  it.each<[string, ReturnType<OnElicitation>]>([
    ['deployed to production', { action: 'accept', content: { confirm: true } }],
    ['not deployed', { action: 'accept', content: { confirm: false } }],
    ['nobody confirmed', { action: 'decline' }],
  ])('gets an answer, and the call ends with "%s"', async (text, answered) => {
    const onElicitation = jest.fn<OnElicitation>(() => answered);
    expect((await deploy(onElicitation)).answer.text).toBe(text);
    expect(onElicitation.mock.calls).toMatchObject([[{ server: 's', message: 'Deploy to production?' }]]);
  });

  it('gets no answer without a callback: the call ends, and the error names the option', async () => {
    const { answer } = await deploy();
    expect(answer.status).toBe('error');
    expect(answer.text).toMatch(/onElicitation|elicitation/u);
  });

  it('gets no answer from a callback that throws, and the error names the callback and not its reason', async () => {
    const { answer } = await deploy(() => {
      throw new Error('secret-of-the-application');
    });
    expect(refusalOf(answer)?.error).toMatchObject({ code: 'invalid_configuration', contact: 'you', server: 's' });
    expect(answer.text).toContain('onElicitation of loadTools threw an error (Error)');
    expect(JSON.stringify(answer)).not.toContain('secret-of-the-application');
  });

  it('gets no answer from a callback that hangs, and the call ends at the time limit', async () => {
    const { answer, loaded } = await deploy(async () => new Promise(() => undefined), { toolTimeoutMs: 300 });
    expect(refusalOf(answer)?.error.code).toBe('timeout');
    expect((await loaded.prompts()).prompts).toHaveLength(1);
  });

  it('learns that a call was cancelled by the caller', async () => {
    const tool = toolNamed(await world.load({ s: server.url }, { sdk: 'v2' }), 's__wait');
    const caller = new AbortController();
    const call = tool.invoke({ type: 'tool_call', id: '1', name: tool.name, args: {} }, { signal: caller.signal });
    await until(() => server.journal.some(({ tool: name }) => name === 'wait'));
    await new Promise((resolve) => setImmediate(resolve));
    caller.abort(new Error('stopped'));
    await expect(call).rejects.toThrow('stopped');
    await until(() => server.cancelled.length === 1);
  });

  it('learns that a call was cancelled because its total time is over, although it reports progress', async () => {
    const onProgress = jest.fn<(progress: object, source: object) => void>();
    const options = { sdk: 'v2' as const, onProgress, resetTimeoutOnProgress: true, maxTotalTimeoutMs: 300 };
    const tool = toolNamed(await world.load({ s: server.url }, options), 's__wait');
    expect(refusalOf(await callAsAgent(tool))?.error).toMatchObject({ code: 'timeout', server: 's' });
    await until(() => server.cancelled.length === 1);
    expect(onProgress).toHaveBeenCalledWith({ progress: 1 }, { type: 'tool', name: 'wait', args: {}, server: 's' });
  });
});
