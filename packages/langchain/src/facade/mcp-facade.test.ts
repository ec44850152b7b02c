import { describe, expect, it } from '@jest/globals';
import { loadMcpTools } from '@langchain/mcp-adapters';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Connection } from './connection.ts';
import { McpFacade } from './mcp-facade.ts';

/** Opens connections that answer with their number, and that the test can delay, break and end. */
class Wire {
  opened = 0;
  closed: { endSession: boolean }[] = [];
  end: () => void = () => undefined;
  readonly #ends = new Map<number, () => void>();
  opening: Promise<void> = Promise.resolve();
  answering: Promise<void> = Promise.resolve();
  readonly signals: AbortSignal[] = [];
  /** The numbers of connections on which every call fails because the connection has ended. */
  readonly broken = new Set<number>();

  readonly connect = async (signal: AbortSignal): Promise<Connection> => {
    this.opened += 1;
    this.signals.push(signal);
    await this.opening;
    const number = this.opened;
    const answer = async () => {
      await this.answering;
      return { content: [{ type: 'text', text: `connection ${number}` }] };
    };
    return {
      hasSession: false,
      ping: answer,
      listTools: async () => Promise.resolve({ tools: [{ name: 'where', inputSchema: { type: 'object' } }] }),
      callTool: async () => {
        if (this.broken.has(number)) throw new Error('the socket is gone');
        return answer();
      },
      readResource: answer,
      list: answer,
      getPrompt: answer,
      faultOf: () => ({ kind: 'closed' }),
      onEnd: (listener) => {
        this.end = listener;
        this.#ends.set(number, listener);
      },
      close: async (how) => {
        this.closed.push(how);
        this.#ends.get(number)?.();
        return Promise.resolve();
      },
    };
  };
}

const where = { name: 'where', arguments: {} };

describe('McpFacade', () => {
  it('opens one new connection for all calls after a connection has ended', async () => {
    const wire = new Wire();
    const facade = new McpFacade('s', wire.connect);
    expect(JSON.stringify(await facade.callTool(where))).toContain('connection 1');
    wire.end();
    expect(wire.opened).toBe(1);
    const answers = await Promise.all(Array.from({ length: 10 }, async () => facade.callTool(where)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(JSON.stringify(answers[0])).toContain('connection 2');
    expect(wire.opened).toBe(2);
  });

  it('does not repeat a call whose connection ended, and uses a new connection for the next call', async () => {
    const wire = new Wire();
    const facade = new McpFacade('s', wire.connect);
    wire.broken.add(1);
    await expect(facade.callTool(where)).rejects.toMatchObject({
      name: 'ToolException',
      cause: { code: 'unreachable' },
    });
    expect(wire.opened).toBe(1);
    expect(JSON.stringify(await facade.callTool(where))).toContain('connection 2');
    expect(wire.closed).toEqual([{ endSession: false }]);
  });

  it('connects again for a later call if the first connection attempt failed', async () => {
    const wire = new Wire();
    let failures = 1;
    const facade = new McpFacade('s', async (signal) => {
      if (failures-- > 0) throw new Error('not now');
      return wire.connect(signal);
    });
    const calls = [facade.callTool(where), facade.callTool(where)];
    expect(await Promise.allSettled(calls)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect(JSON.stringify(await facade.callTool(where))).toContain('connection 1');
  });

  it('rejects only the call that is aborted while a shared connection is being opened', async () => {
    const wire = new Wire();
    let open: () => void = () => undefined;
    wire.opening = new Promise((resolve) => (open = resolve));
    const facade = new McpFacade('s', wire.connect);
    const caller = new AbortController();
    const impatient = facade.callTool(where, undefined, { signal: caller.signal });
    const patient = facade.callTool(where);
    caller.abort(new Error('gave up'));
    await expect(impatient).rejects.toThrow('gave up');
    open();
    expect(JSON.stringify(await patient)).toContain('connection 1');
  });

  it('closes a connection that is being opened, ends its session, and rejects later calls with closed', async () => {
    const wire = new Wire();
    let open: () => void = () => undefined;
    wire.opening = new Promise((resolve) => (open = resolve));
    const facade = new McpFacade('s', wire.connect);
    const call = facade.listTools();
    const closed = facade.close();
    expect(wire.signals[0]?.aborted).toBe(true);
    open();
    await Promise.all([closed, facade.close(), call]);
    expect(wire.closed).toEqual([{ endSession: true }]);
    await expect(facade.listTools()).rejects.toMatchObject({ name: 'CredenceError', code: 'closed' });
    await expect(facade.callTool(where)).rejects.toMatchObject({ name: 'ToolException', cause: { code: 'closed' } });
  });

  it('uses a new connection after renew, and closes the old one after its pending calls', async () => {
    const wire = new Wire();
    const facade = new McpFacade('s', wire.connect);
    await facade.callTool(where);
    let answer: () => void = () => undefined;
    wire.answering = new Promise((resolve) => (answer = resolve));
    const pending = facade.callTool(where);
    await new Promise((resolve) => setImmediate(resolve));
    facade.renew();
    const next = facade.callTool(where);
    await new Promise((resolve) => setImmediate(resolve));
    expect(wire.closed).toEqual([]);
    answer();
    expect(JSON.stringify(await pending)).toContain('connection 1');
    expect(JSON.stringify(await next)).toContain('connection 2');
    expect(wire.closed).toEqual([{ endSession: true }]);
  });

  it('does not send a call on a connection that renew closes at the same moment', async () => {
    const wire = new Wire();
    const facade = new McpFacade('s', wire.connect);
    await facade.callTool(where);
    const call = facade.callTool(where);
    facade.renew();
    expect(JSON.stringify(await call)).toContain('connection 2');
  });

  it('does not renew a connection that is still being opened', async () => {
    const wire = new Wire();
    const facade = new McpFacade('s', wire.connect);
    const call = facade.callTool(where);
    facade.renew();
    expect(JSON.stringify(await call)).toContain('connection 1');
    expect(wire.closed).toEqual([]);
  });

  it('has all members of a client that mcp-adapters uses', async () => {
    const facade = new McpFacade('s', new Wire().connect);
    const touched = new Set<string>();
    const watched = new Proxy(facade, {
      get(target, name) {
        touched.add(String(name));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const [tool] = await loadMcpTools('s', watched as Partial<Client> as Client);
    await tool?.invoke({});
    expect([...touched].toSorted()).toEqual(['callTool', 'listTools']);
  });
});
