import { AsyncResource } from 'node:async_hooks';
import type { ServicePrincipal } from '@credence/core';
import { waitFor } from '@credence/protocol';
import { Member, type MemberContext } from './member.ts';
import { type EvictReason, type PoolSettings, tell } from './options.ts';
import { poolClosed, tooManyPrincipals } from './refusals.ts';
import { Turns } from './turns.ts';

/**
 * The principals of a pool by key. A principal in use is never closed, except by `close`. Of those that are not in use, at most `maxIdle`
 * stay, for at most `idleMs`. A use of a key whose principal is being closed gets a new one.
 */
export class Members {
  readonly #settings: PoolSettings;
  readonly #context: MemberContext;
  readonly #current = new Map<string, Member>();
  /** Those of the current ones that nobody uses, the one that was used least recently first. */
  readonly #idle = new Set<Member>();
  /** Those that are not current any more: with the end of their closing, or without one while they are in use. */
  readonly #leaving = new Map<Member, Promise<void> | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#context = {
      settings,
      known: new WeakSet<ServicePrincipal>(),
      scope: new AsyncResource('CredencePrincipalPool'),
      turns: new Turns(),
    };
  }

  /** The number of principals, those included that are being created or closed. */
  get size(): number {
    return this.#current.size + this.#leaving.size;
  }

  /** Begins a use of the principal of a key, which is created if there is none. Each use must be ended with `leave`. */
  async enter(key: string, signal: AbortSignal | undefined): Promise<Member> {
    for (;;) {
      if (this.#closed) throw poolClosed();
      const member = this.#current.get(key) ?? (this.size < this.#settings.max ? this.#add(key) : undefined);
      if (!member) {
        await waitFor(this.#makeRoom(), signal);
        continue;
      }
      this.#idle.delete(member);
      member.uses += 1;
      try {
        if (!member.isOpen) await waitFor(member.opened, signal);
        return member;
      } catch (error) {
        this.leave(member);
        throw error;
      }
    }
  }

  /** Ends a use. */
  leave(member: Member): void {
    member.uses -= 1;
    if (member.uses > 0) return;
    if (this.#leaving.has(member)) return this.#close(member);
    // Otherwise it could not be created, or is still being created and all callers have given up.
    if (member.isOpen && this.#current.get(member.key) === member) this.#rest(member);
  }

  /** Removes the principal of a key. It is closed after its last use. */
  async evict(key: string): Promise<void> {
    const member = this.#current.get(key);
    if (member) await this.#remove(member, 'evict');
  }

  /** Closes all principals at once, also those in use. Idempotent. Never throws. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    for (const member of this.#current.values()) void this.#remove(member, 'close');
    for (const member of this.#leaving.keys()) this.#close(member);
    await Promise.all(this.#closings());
  }

  #add(key: string): Member {
    const member = new Member(key, this.#context);
    this.#current.set(key, member);
    void this.#whenCreated(member);
    return member;
  }

  async #whenCreated(member: Member): Promise<void> {
    const isCurrent = () => this.#current.get(member.key) === member;
    try {
      await member.opened;
    } catch {
      if (isCurrent()) this.#current.delete(member.key);
      // If `create` took too long, the principal is closed when it comes.
      await member.close();
      return;
    }
    if (isCurrent() && member.uses === 0) this.#rest(member);
  }

  /** Keeps a member that nobody uses, and closes others in its place. */
  #rest(member: Member): void {
    member.idleSinceMs = performance.now();
    this.#idle.delete(member);
    this.#idle.add(member);
    for (const oldest of this.#idle) {
      if (this.#idle.size <= this.#settings.maxIdle) break;
      void this.#remove(oldest, 'max-idle');
    }
    this.#timer ??= this.#waitForOldest();
  }

  /** A timer for the end of the time of the oldest member. It does not keep the process running. */
  #waitForOldest(): NodeJS.Timeout | undefined {
    const [oldest] = this.#idle;
    if (!oldest || this.#closed) return undefined;
    const { idleMs } = this.#settings;
    const leftMs = Math.max(1, Math.ceil(oldest.idleSinceMs + idleMs - performance.now()));
    return setTimeout(() => {
      const nowMs = performance.now();
      for (const member of this.#idle) {
        if (member.idleSinceMs + idleMs > nowMs) break;
        void this.#remove(member, 'idle');
      }
      this.#timer = this.#waitForOldest();
    }, leftMs).unref();
  }

  /** Resolves when a principal has been closed in favour of a new one. Throws if all of them are in use. */
  async #makeRoom(): Promise<unknown> {
    const [oldest] = this.#idle;
    if (oldest) return this.#remove(oldest, 'max');
    const closing = this.#closings();
    if (closing.length === 0) throw tooManyPrincipals(this.#settings.max);
    return Promise.race(closing);
  }

  #closings(): Promise<void>[] {
    return [...this.#leaving.values()].filter((end) => end !== undefined);
  }

  /** Removes a current member. Resolves when it is closed, or at once if it is still in use. */
  async #remove(member: Member, reason: EvictReason): Promise<void> {
    this.#current.delete(member.key);
    this.#idle.delete(member);
    this.#leaving.set(member, undefined);
    if (member.isOpen) this.#report(member.key, reason);
    else member.opened.then(() => this.#report(member.key, reason)).catch(() => undefined);
    if (member.uses === 0 || reason === 'close') this.#close(member);
    return this.#leaving.get(member);
  }

  #close(member: Member): void {
    if (this.#leaving.get(member) !== undefined) return;
    const end = member.close().finally(() => this.#leaving.delete(member));
    this.#leaving.set(member, end);
  }

  #report(key: string, reason: EvictReason): void {
    tell(() => this.#settings.onEvict?.(key, reason));
  }
}
