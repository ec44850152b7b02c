/** The program of one process of a bot: executes the commands of its parent process. */
import { type CredenceEvent, isCredenceError, ServicePrincipal } from '@credence/core';
import { redisStore, type RedisStore } from '@credence/redis';
import type { CommandName, Commands, Reply, Request, Work } from './messages.ts';
import { McpCaller } from './mcp-caller.ts';

const TOKEN_EVERY_MS = 40;
const CALL_EVERY_MS = 800;

let opened: { bot: ServicePrincipal; store: RedisStore; events: CredenceEvent[] } | undefined;

const actions: { [Name in CommandName]: (input: Commands[Name]['input']) => Promise<Commands[Name]['answer']> } = {
  async open({ env, redisUrl, encryptionKey }) {
    const events: CredenceEvent[] = [];
    const onEvent = (event: CredenceEvent) => events.push(event);
    // #region readme
    const store = redisStore({ url: redisUrl, encryptionKey });
    const bot = ServicePrincipal.fromEnv(env, { store, onEvent });
    // #endregion
    opened = { bot, store, events };
    await waitForRedis(store);
    return null;
  },
  async token({ server }) {
    return { hash: (await current().bot.token(server)).hash };
  },
  async work({ server, forMs }) {
    return work(current(), server, forMs);
  },
  async events() {
    return current().events;
  },
  async close() {
    await opened?.bot.close();
    await opened?.store.close();
    opened = undefined;
    return null;
  },
};

/** Waits until Redis responds. On a busy machine the first connection can take long, and the tests do not measure that time. */
async function waitForRedis(store: RedisStore): Promise<void> {
  for (;;) {
    try {
      await store.get('anything');
      return;
    } catch {
      await pause(50);
    }
  }
}

function current(): NonNullable<typeof opened> {
  if (!opened) throw new Error('not open');
  return opened;
}

async function work({ bot }: NonNullable<typeof opened>, server: string, forMs: number): Promise<Work> {
  const failures: string[] = [];
  const untilMs = performance.now() + forMs;
  let tokens = 0;
  let calls = 0;
  const isOver = () => performance.now() >= untilMs;
  const attemptAndCount = async (attempt: () => Promise<void>) => {
    try {
      await attempt();
    } catch (error) {
      failures.push(failureOf(error));
    }
  };
  const getTokens = async () => {
    for (; !isOver(); await pause(TOKEN_EVERY_MS)) {
      await attemptAndCount(async () => {
        await bot.token(server);
        tokens += 1;
      });
    }
  };
  const makeCalls = async () => {
    const caller = new McpCaller(bot, server);
    await attemptAndCount(() => caller.open());
    for (; !isOver(); await pause(CALL_EVERY_MS)) {
      await attemptAndCount(async () => {
        await caller.listTools();
        calls += 1;
      });
    }
    await attemptAndCount(() => caller.close());
  };
  await Promise.all([getTokens(), makeCalls()]);
  return { tokens, calls, failures };
}

/** Sends a message to the parent. Errors are ignored: the parent may have exited. */
function send(reply: Reply): void {
  process.send?.(reply, undefined, undefined, () => undefined);
}

function failureOf(error: unknown): string {
  return isCredenceError(error) ? error.code : String(error);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function reply<Name extends CommandName>({ id, name, input }: Request<Name>): Promise<void> {
  try {
    send({ id, answer: await actions[name](input) });
  } catch (error) {
    send({ id, failure: failureOf(error) });
  }
}

process.on('message', (request) => void reply(request as Request));
// exit when the parent exits
process.on('disconnect', () => process.exit());
send({ id: 0, answer: null });
