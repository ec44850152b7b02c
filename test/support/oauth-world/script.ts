import type { PeerAnswer, PeerRequest } from '../peer.ts';

/** What an honest server would say. */
export interface HonestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Answers instead of the honest server. Only calling `honest` makes the honest server work: a 503 that does not call it
 * has issued nothing and used up nothing.
 */
export type Misbehaviour = (
  honest: () => Promise<HonestAnswer>,
  request: PeerRequest,
) => PeerAnswer | Promise<PeerAnswer>;

/** Per leg: what is said next, what is said always, what was asked. */
export class Script<Leg extends string> {
  readonly #once = new Map<Leg, Misbehaviour[]>();
  readonly #always = new Map<Leg, Misbehaviour>();
  readonly #received = new Map<Leg, PeerRequest[]>();

  /** The next requests of this leg are answered by these, one each; then it is as before. */
  once(leg: Leg, ...misbehaviours: readonly Misbehaviour[]): void {
    this.#once.set(leg, [...(this.#once.get(leg) ?? []), ...misbehaviours]);
  }

  always(leg: Leg, misbehaviour: Misbehaviour): void {
    this.#always.set(leg, misbehaviour);
  }

  /** Honest again, in every leg. */
  reset(): void {
    this.#once.clear();
    this.#always.clear();
  }

  /** Requests of this leg so far, misbehaving answers included. */
  count(leg: Leg): number {
    return this.received(leg).length;
  }

  received(leg: Leg): readonly PeerRequest[] {
    return this.#received.get(leg) ?? [];
  }

  async answer(leg: Leg, request: PeerRequest, honest: () => Promise<HonestAnswer>): Promise<PeerAnswer> {
    this.#received.set(leg, [...this.received(leg), request]);
    const misbehaviour = this.#once.get(leg)?.shift() ?? this.#always.get(leg);
    return misbehaviour === undefined ? honest() : misbehaviour(honest, request);
  }
}

/** An answer of the token endpoint (RFC 6749 section 5.1). */
export function ok(body: Readonly<Record<string, unknown>>): HonestAnswer {
  return { status: 200, headers: { 'cache-control': 'no-store' }, body };
}

/** An OAuth refusal (RFC 6749 section 5.2), thrown by the honest servers. */
export class OAuthRefusal extends Error {
  readonly answer: HonestAnswer;

  constructor(error: string, description: string, status = 400, headers: Readonly<Record<string, string>> = {}) {
    super(`${error}: ${description}`);
    this.name = 'OAuthRefusal';
    this.answer = {
      status,
      headers: { 'cache-control': 'no-store', ...headers },
      body: { error, error_description: description },
    };
  }
}

/** Runs an honest server's work and turns what it throws into its answer. */
export async function orRefusal(work: () => Promise<HonestAnswer>): Promise<HonestAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OAuthRefusal) return error.answer;
    throw error;
  }
}
