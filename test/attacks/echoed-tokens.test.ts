import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LangchainWorld, listed, startLangchainWorld, toolNamed } from '../support/langchain-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const SPELLINGS: Record<string, (header: string) => string> = {
  'as it is': (header) => header,
  'without the scheme': (header) => header.slice('Bearer '.length),
  'in base64': (header) => Buffer.from(header.slice('Bearer '.length)).toString('base64'),
  'with its scheme in base64url': (header) => Buffer.from(header).toString('base64url'),
  'in hex': (header) => Buffer.from(header.slice('Bearer '.length)).toString('hex'),
  'in a long text': (header) => `${'x'.repeat(300_000)} ${header} ${'y'.repeat(10)}`,
};

describe.each(['v1', 'v2'] as const)('a server that sends the token back in a result, with SDK %s', (sdk) => {
  it.each(Object.keys(SPELLINGS))('%s: the model does not get it', async (spelling) => {
    let header = '';
    const sent = () => SPELLINGS[spelling]?.(header) ?? '';
    const server = await world.serve({
      'tools/list': ({ http }) => {
        header = String(http.headers.authorization);
        return { result: { tools: [listed('echo', { description: `The token is ${sent()}` })] } };
      },
      'tools/call': ({ http }) => {
        header = String(http.headers.authorization);
        const text = `You sent ${sent()}, and this is all.`;
        return { result: { content: [{ type: 'text', text }], structuredContent: { deep: [{ [sent()]: sent() }] } } };
      },
    });
    const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
    const message: unknown = await tool.invoke({ type: 'tool_call', id: 'call', name: tool.name, args: {} });
    const seen = JSON.stringify([tool.description, message]);
    expect(header.length).toBeGreaterThan('Bearer '.length);
    expect(seen).toContain('[removed]');
    expect(seen).not.toContain(sent().slice(-80));
    expect(seen).toContain('this is all.');
  });
});
