/** One copy of a bot, in a process of its own; does what its parent says. */
import { type CredenceEvent, isCredenceError, ServicePrincipal } from '@credence/core';
import { redisStore, type RedisStore } from '@credence/redis';
import type { CommandName, Commands, Reply, Request, Work } from './messages.ts';
import { McpCaller } from './mcp-caller.ts';

const TOKEN_EVERY_MS = 40;
const CALL_EVERY_MS = 800;

let opened: { bot: ServicePrincipal; store: RedisStore; events: CredenceEvent[] } | undefined;

const actions: { [Name in CommandName]: (given: Commands[Name]['given']) => Promise<Commands[Name]['answer']> } = {
  async open({ env, redisUrl, encryptionKey }) {
    const events: CredenceEvent[] = [];
    const onEvent = (event: CredenceEvent) => events.push(event);
    // #region readme
    const store = redisStore({ url: redisUrl, encryptionKey });
    const bot = ServicePrincipal.fromEnv(env, { store, onEvent });
    // #endregion
    opened = { bot, store, events };
    await connected(store);
    return null;
  },
  async token({ server }) {
    return { hash: (await here().bot.token(server)).hash };
  },
  async work({ server, forMs }) {
    return work(here(), server, forMs);
  },
  async events() {
    return here().events;
  },
  async close() {
    await opened?.bot.close();
    await opened?.store.close();
    opened = undefined;
    return null;
  },
};

/** On a machine that has just started eight of these, the first contact may take its time; that is not what is looked at. */
async function connected(store: RedisStore): Promise<void> {
  for (;;) {
    try {
      await store.get('anything');
      return;
    } catch {
      await pause(50);
    }
  }
}

function here(): NonNullable<typeof opened> {
  if (!opened) throw new Error('not open');
  return opened;
}

async function work({ bot }: NonNullable<typeof opened>, server: string, forMs: number): Promise<Work> {
  const failures: string[] = [];
  const untilMs = performance.now() + forMs;
  let tokens = 0;
  let calls = 0;
  const isOver = () => performance.now() >= untilMs;
  const trying = async (attempt: () => Promise<void>) => {
    try {
      await attempt();
    } catch (error) {
      failures.push(said(error));
    }
  };
  const asking = async () => {
    for (; !isOver(); await pause(TOKEN_EVERY_MS)) {
      await trying(async () => {
        await bot.token(server);
        tokens += 1;
      });
    }
  };
  const calling = async () => {
    const caller = new McpCaller(bot, server);
    await trying(() => caller.open());
    for (; !isOver(); await pause(CALL_EVERY_MS)) {
      await trying(async () => {
        await caller.listTools();
        calls += 1;
      });
    }
    await trying(() => caller.close());
  };
  await Promise.all([asking(), calling()]);
  return { tokens, calls, failures };
}

/** A parent that has gone meanwhile misses nothing. */
function tell(reply: Reply): void {
  process.send?.(reply, undefined, undefined, () => undefined);
}

function said(error: unknown): string {
  return isCredenceError(error) ? error.code : String(error);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function reply<Name extends CommandName>({ id, name, given }: Request<Name>): Promise<void> {
  const send = (answer: Omit<Reply, 'id'>) => tell({ id, ...answer });
  try {
    send({ answer: await actions[name](given) });
  } catch (error) {
    send({ failure: said(error) });
  }
}

process.on('message', (request) => void reply(request as Request));
// a parent that dies takes its copies with it
process.on('disconnect', () => process.exit());
tell({ id: 0, answer: null });
