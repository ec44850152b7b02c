import type { CredenceError } from '@credence/core';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { notYetConnected } from '../failures/server-failure.ts';
import { unusableResponse } from '../failures/unusable-response.ts';
import type { McpFacade } from '../facade/mcp-facade.ts';
import { unreadable } from '../listing/listing-failures.ts';
import { type ReadList, ToolList } from '../listing/tool-list.ts';
import { ServerContent } from '../content/server-content.ts';
import { callOptionsOf } from '../connection-options.ts';
import type { ServerFailure } from '../loaded-tools.ts';
import { langchainTools } from '../tools/langchain-tools.ts';
import { ToolAccesses } from './tool-accesses.ts';
import { HeldTools, type ListChange } from './held-tools.ts';
import { PlannedReading } from './planned-reading.ts';
import { RefreshPace } from './refresh-pace.ts';
import { retryPauseMs } from '../retry-pause.ts';
import { type ServerContext, serverFacade } from './server-connection.ts';

/** How long after the last reading the loss of a connection is no repetition of the last loss, in milliseconds. */
const STABLE_MS = 60_000;

/**
 * The tools of one server. They are read when `read` is called, again after a failure, and when the server says that they have
 * changed.
 */
export class ServerTools {
  readonly server: string;
  /** The client that the tools call. Everything else that goes through the connection of this server uses it too. */
  readonly facade: McpFacade;
  readonly content: ServerContent;
  readonly #context: ServerContext;
  readonly #onChange: (change: ListChange) => void;
  readonly #list: ToolList;
  readonly #held: HeldTools;
  readonly #pace = new RefreshPace();
  readonly #planned = new PlannedReading();
  /** Undefined until the list was read, or could not be read. */
  #errors: readonly CredenceError[] | undefined;
  /** How many attempts in a row have failed. */
  #failures = 0;
  /** When the list was read last, in milliseconds of the monotonic clock. */
  #readMs = 0;
  /** Whether the server cannot announce changes on the present connection, and how often in a row that happened. */
  #isLost = false;
  #losses = 0;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  readonly #closing = new AbortController();

  /** @param onChange called when the list was read and differs from the last one. Must not throw. */
  constructor(server: string, context: ServerContext, onChange: (change: ListChange) => void) {
    const { bot, settings } = context;
    this.server = server;
    this.#context = context;
    this.#onChange = onChange;
    this.#list = new ToolList(server, settings.limits);
    const { onRefused, limits } = settings;
    const access = new ToolAccesses(bot.server(server), settings, context.steps);
    this.#held = new HeldTools(server, { servers: bot.serverNames, onRefused, maxLeft: limits.tools, access });
    this.facade = serverFacade(
      server,
      this.#list,
      { ...context, onToken: access.onToken },
      {
        onToolsChanged: () => this.#refreshSoon(),
        onReconnected: () => this.#reconnected(),
        onLost: () => this.#lost(),
      },
    );
    this.content = new ServerContent(server, this.facade.content, { limits, timeoutMs: settings.toolTimeoutMs });
  }

  /** The present tools, in the order of the server. */
  get tools(): readonly DynamicStructuredTool[] {
    return this.#held.listed;
  }

  get failures(): readonly ServerFailure[] {
    const { server } = this;
    const { deadlineMs } = this.#context.settings;
    const errors = this.#errors ?? [notYetConnected(server, deadlineMs)];
    return errors.map((error) => ({ server, error, loaded: this.tools.length }));
  }

  /** Connects if necessary, and reads the list now, or once more after a reading that has begun. Never throws. */
  async read(): Promise<void> {
    // The first reading is that of a missing server: there is no older list.
    return this.#errors === undefined && this.#reading ? this.#reading : this.#readAgain();
  }

  /**
   * Like `read`, but an attempt to reach a missing server that is under way is given up, because the server may not answer it. Works also
   * while the principal sends no request for this server because it was refused: a diagnosis asks again, and ends the pause if a token
   * is granted.
   */
  async readNow(): Promise<void> {
    const { bot, settings } = this.#context;
    const attempt = this.#reading;
    if (attempt && this.tools.length === 0) {
      const reason = notYetConnected(this.server, settings.deadlineMs);
      this.#list.giveUp(reason);
      this.facade.giveUpOpening(reason);
      await attempt;
    }
    if (this.#failures > 0 && this.#pausedForMs() > 0) {
      await bot.diagnose(this.server, { signal: this.#closing.signal }).catch(() => undefined);
    }
    return this.#readAgain();
  }

  /** Ends what is under way, and the connections. The tools fail afterwards. Never throws. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#planned.cancel();
    await this.facade.close().catch(() => undefined);
    await this.#reading;
  }

  async #readAgain(): Promise<void> {
    if (!this.#reading) return this.#begin();
    this.#next ??= this.#reading.then(async () => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  async #begin(): Promise<void> {
    this.#planned.cancel();
    if (this.#closing.signal.aborted) return;
    if (this.#isLost) this.facade.renew();
    this.#isLost = false;
    this.#reading = this.#readOnce()
      .catch((error: unknown) => this.#failed(unusableResponse(this.server, error)))
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const list = await this.#list.read(this.facade);
    if (this.#closing.signal.aborted) return;
    const { definitions, failure, isBrokenOff } = list;
    const isWorse = this.tools.length > 0 || definitions.length === 0;
    if (!failure || !isBrokenOff || !isWorse) return this.#take(list);
    // Present tools stay: nothing says that they have gone. Without tools, nobody needs the connection until the next attempt.
    if (this.tools.length === 0) this.facade.renew();
    this.#failed(failure);
  }

  async #take({ definitions, leftOut, failure, isBrokenOff }: ReadList): Promise<void> {
    const { server, facade } = this;
    const converted = await langchainTools(server, facade, definitions, callOptionsOf(this.#context.settings));
    if (this.#closing.signal.aborted) return;
    for (const [name, { definition }] of converted.tools) facade.define(name, definition);
    const change = this.#held.replace(converted.tools);
    for (const name of change.forgotten) facade.forget(name);
    const unread = leftOut.length > 0 ? [unreadable(server, leftOut)] : [];
    const errors = [...(failure ? [failure] : []), ...unread, ...converted.failures];
    if (isBrokenOff && failure) this.#failed(failure, errors);
    else {
      this.#failures = 0;
      this.#readMs = performance.now();
      this.#errors = errors;
    }
    if (change.joined.length + change.changed.length + change.left.length > 0) this.#onChange(change);
  }

  /** Tries again later, and more rarely after each failure. */
  #failed(error: CredenceError, errors: readonly CredenceError[] = [error]): void {
    this.#errors = errors;
    this.#failures += 1;
    const { settings } = this.#context;
    if (settings.retry === false) return;
    // While the principal itself pauses, an attempt would only get the same error.
    const pauseMs = retryPauseMs(error, this.#failures, settings.retry, { pausedForMs: this.#pausedForMs() });
    if (pauseMs !== undefined) this.#readAfter(pauseMs);
  }

  /** How long the principal sends no request for this server, in milliseconds. */
  #pausedForMs(): number {
    const until = this.#context.bot.status().servers[this.server]?.pausedUntil;
    return until ? until.getTime() - Date.now() : 0;
  }

  /** The server says that its list has changed. */
  #refreshSoon(): void {
    // A missing server has its own pauses.
    if (this.#reading || (this.#errors && this.#failures === 0)) this.#readSoon();
  }

  /** A call has opened a connection, so the server is there. A reading that opens one needs no other. */
  #reconnected(): void {
    if (!this.#reading) this.#readSoon();
  }

  /** Opens another connection, more rarely if that was lost soon after it was opened. */
  #lost(): void {
    const { retry } = this.#context.settings;
    if (this.#failures > 0 || retry === false) return;
    this.#isLost = true;
    this.#losses = performance.now() - this.#readMs < STABLE_MS ? this.#losses + 1 : 1;
    this.#readSoon(this.#losses === 1 ? 0 : Math.min(retry.firstMs * 2 ** Math.min(this.#losses, 30), retry.maxMs));
  }

  /** Reads the list because of something that the server did, so not too often. */
  #readSoon(pauseMs = 0): void {
    this.#readAfter(Math.max(pauseMs, this.#pace.waitMs(performance.now())), () => this.#pace.begin(performance.now()));
  }

  #readAfter(pauseMs: number, before?: () => void): void {
    if (this.#closing.signal.aborted) return;
    this.#planned.plan(pauseMs, () => {
      before?.();
      void this.#readAgain();
    });
  }
}
