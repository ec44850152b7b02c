import { type OnElicitation, type OnSampling, type SamplingRequest } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcRequest,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { gate, until } from './sdk-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const ELICITATION = {
  method: 'elicitation/create',
  params: {
    message: 'Which project?\u202e',
    requestedSchema: {
      type: 'object',
      properties: { project: { type: 'string', title: 'Project\u0007' }, days: { type: 'integer', minimum: 1 } },
      required: ['project'],
    },
  },
};
const SAMPLING = {
  method: 'sampling/createMessage',
  params: {
    messages: [{ role: 'user', content: { type: 'text', text: 'Summarize this.' } }],
    systemPrompt: 'You are brief.',
    maxTokens: 100,
    stopSequences: ['END'],
    modelPreferences: { hints: [{ name: 'small' }] },
  },
};

/** A server whose tool `ask` sends these requests to the client, one after the other, and returns the responses as JSON. */
async function asking(...requests: readonly object[]) {
  const responses = new Map<unknown, object>();
  const server = await world.serve({
    'tools/list': () => ({ result: { tools: [listed('ask'), listed('plain')] } }),
    'tools/call': ({ id, params }) => {
      if (params['name'] === 'plain') return { result: { content: [{ type: 'text', text: 'plain' }] } };
      return {
        http: {
          async onWire({ response, write, signal }) {
            const event = async (message: object) =>
              write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            for (const [index, request] of requests.entries()) await event({ id: `ask-${index}`, ...request });
            await until(() => signal.aborted || responses.size >= requests.length);
            const text = JSON.stringify(requests.map((_, index) => responses.get(`ask-${index}`)));
            await event({ id, result: { content: [{ type: 'text', text }] } });
            response.end();
          },
        },
      };
    },
    // A response has no method.
    undefined: ({ id, http }: RpcRequest) => {
      responses.set(id, JSON.parse(http.body) as object);
      return { http: { status: 202 } };
    },
  });
  return { url: server.url, server, responses };
}

type Response = { readonly result?: unknown; readonly error?: { readonly code: number; readonly message: string } };

describe.each(['v1', 'v2'] as const)('a request of a server with SDK %s', (sdk) => {
  async function answered(
    options: { onElicitation?: OnElicitation; onSampling?: OnSampling; toolTimeoutMs?: number },
    ...requests: readonly object[]
  ) {
    const { url, server } = await asking(...requests);
    const loaded = await world.load({ s: url }, { sdk, ...options });
    const { text } = await callAsAgent(toolNamed(loaded, 's__ask'));
    const capabilities = server.received('initialize')[0]?.params['capabilities'];
    return { answers: JSON.parse(text) as Response[], capabilities, loaded };
  }

  it('for values is answered by onElicitation, with clean texts and the name of the server', async () => {
    const onElicitation = jest.fn<OnElicitation>(() => ({ action: 'accept', content: { project: 'apollo', days: 3 } }));
    const { answers, capabilities } = await answered({ onElicitation }, ELICITATION);
    expect(answers).toMatchObject([{ result: { action: 'accept', content: { project: 'apollo', days: 3 } } }]);
    expect(onElicitation.mock.calls).toEqual([
      [
        {
          server: 's',
          message: 'Which project?',
          requestedSchema: {
            type: 'object',
            properties: { project: { type: 'string', title: 'Project' }, days: { type: 'integer', minimum: 1 } },
            required: ['project'],
          },
          signal: expect.any(AbortSignal),
        },
      ],
    ]);
    expect(capabilities).toMatchObject({ elicitation: { form: {} } });
    expect(capabilities).not.toHaveProperty('sampling');
  });

  it('for a message is answered by onSampling', async () => {
    const requests: SamplingRequest[] = [];
    const onSampling = (request: SamplingRequest) => {
      requests.push(request);
      return { content: 'It is short.', model: 'small-1', stopReason: 'endTurn' };
    };
    const { answers, capabilities } = await answered({ onSampling }, SAMPLING);
    expect(answers).toMatchObject([
      {
        result: {
          role: 'assistant',
          content: { type: 'text', text: 'It is short.' },
          model: 'small-1',
          stopReason: 'endTurn',
        },
      },
    ]);
    expect(requests).toMatchObject([
      {
        server: 's',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Summarize this.' }] }],
        systemPrompt: 'You are brief.',
        maxTokens: 100,
        stopSequences: ['END'],
        preferredModels: ['small'],
      },
    ]);
    expect(capabilities).toMatchObject({ sampling: {} });
    expect(capabilities).not.toHaveProperty('elicitation');
  });

  it('is answered with "Method not found" without a callback, and its call ends', async () => {
    const { answers, capabilities } = await answered({}, ELICITATION, SAMPLING, { method: 'roots/list' });
    expect(answers.map(({ error }) => error?.code)).toEqual([-32_601, -32_601, -32_601]);
    expect(Object.keys(capabilities as object)).toEqual(['extensions']);
  });

  it.each([{ action: 'decline' }, { action: 'cancel' }] as const)('can be answered with %j', async (answer) => {
    const { answers } = await answered({ onElicitation: () => answer }, ELICITATION);
    expect(answers).toMatchObject([{ result: answer }]);
  });

  it.each<[string, unknown]>([
    ['throws', () => Promise.reject(new Error('secret-of-the-application'))],
    ['returns nothing', () => undefined],
    ['returns another action', () => ({ action: 'yes' })],
    ['returns no values', () => ({ action: 'accept' })],
    ['returns values of another type', () => ({ action: 'accept', content: { project: { a: 1 } } })],
    ['returns values that do not match', () => ({ action: 'accept', content: { project: 'x', days: 0 } })],
    ['leaves out a value', () => ({ action: 'accept', content: { days: 1 } })],
  ])('fails alone if onElicitation %s, and the server learns nothing of the reason', async (_what, onElicitation) => {
    const { answers, loaded } = await answered({ onElicitation: onElicitation as OnElicitation }, ELICITATION);
    expect(answers.map(({ error }) => error)).toEqual([
      { code: -32_603, message: 'The client could not answer this request.' },
    ]);
    expect((await callAsAgent(toolNamed(loaded, 's__plain'))).text).toBe('plain');
  });

  it('that is not answered in time fails alone', async () => {
    const aborted: unknown[] = [];
    const onElicitation: OnElicitation = async ({ signal }) =>
      new Promise(() => signal.addEventListener('abort', () => aborted.push(signal.reason)));
    const { url, server } = await asking(ELICITATION);
    const loaded = await world.load({ s: url }, { sdk, onElicitation, toolTimeoutMs: 200 });
    expect(await callAsAgent(toolNamed(loaded, 's__ask'))).toMatchObject({ status: 'error' });
    await until(() => aborted.length === 1);
    expect((await callAsAgent(toolNamed(loaded, 's__plain'))).text).toBe('plain');
    expect(server.received('initialize')).toHaveLength(1);
  });

  it('is given up when the call to which it belongs is aborted', async () => {
    let signal: AbortSignal | undefined;
    const onElicitation: OnElicitation = async (request) => {
      signal = request.signal;
      return new Promise(() => undefined);
    };
    const { url } = await asking(ELICITATION);
    const tool = toolNamed(await world.load({ s: url }, { sdk, onElicitation }), 's__ask');
    const caller = new AbortController();
    const input = { type: 'tool_call' as const, id: '1', name: tool.name, args: {} };
    const call = tool.invoke(input, { signal: caller.signal });
    await until(() => signal !== undefined);
    caller.abort(new Error('stopped'));
    await expect(call).rejects.toThrow('stopped');
    await until(() => signal?.aborted === true);
  });

  it('reaches the callback at most 20 times at once', async () => {
    const answered = gate();
    const onElicitation = jest.fn<OnElicitation>(async () => {
      await answered.opened;
      return { action: 'decline' };
    });
    const { url, responses } = await asking(...Array.from({ length: 60 }, () => ELICITATION));
    const tool = toolNamed(await world.load({ s: url }, { sdk, onElicitation }), 's__ask');
    const call = callAsAgent(tool);
    await until(() => responses.size === 40);
    expect(onElicitation).toHaveBeenCalledTimes(20);
    expect(JSON.stringify([...responses.values()])).not.toContain('action');
    answered.open();
    const answers = JSON.parse((await call).text) as Response[];
    expect(answers.filter(({ error }) => error === undefined)).toHaveLength(20);
  });

  it('is limited to 120 in a minute', async () => {
    const onSampling = jest.fn<OnSampling>(() => ({ content: 'ok', model: 'm' }));
    const { url } = await asking(...Array.from({ length: 20 }, () => SAMPLING));
    const loaded = await world.load({ s: url }, { sdk, onSampling });
    for (let call = 0; call < 8; call += 1) await callAsAgent(toolNamed(loaded, 's__ask'));
    await until(() => onSampling.mock.calls.length === 120);
    await callAsAgent(toolNamed(loaded, 's__ask'));
    expect(onSampling).toHaveBeenCalledTimes(120);
  });

  it('for a message with tools is refused, because that was not offered', async () => {
    const onSampling = jest.fn<OnSampling>(() => ({ content: 'ok', model: 'm' }));
    const tools = [{ name: 't', inputSchema: { type: 'object' } }];
    const { answers } = await answered({ onSampling }, { ...SAMPLING, params: { ...SAMPLING.params, tools } });
    expect(answers).toMatchObject([{ error: { code: expect.any(Number) } }]);
    expect(onSampling).not.toHaveBeenCalled();
  });
});
