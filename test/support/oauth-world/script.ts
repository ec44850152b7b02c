import type { PeerAnswer, PeerRequest } from '../peer.ts';

/** The answer of a server that follows the protocol. */
export interface HonestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Replaces an answer. The call of `honest` processes the request and returns the correct answer. Without that call the server
 * does not process the request: it issues no token, and it does not consume an ID-JAG.
 */
export type Misbehaviour = (
  honest: () => Promise<HonestAnswer>,
  request: PeerRequest,
) => PeerAnswer | Promise<PeerAnswer>;

/** The replaced answers of each leg (once, or always), and the requests that were received. */
export class Script<Leg extends string> {
  readonly #once = new Map<Leg, Misbehaviour[]>();
  readonly #always = new Map<Leg, Misbehaviour>();
  readonly #received = new Map<Leg, PeerRequest[]>();

  /** Replaces the answers of the next requests of this leg, one for each misbehaviour. */
  once(leg: Leg, ...misbehaviours: readonly Misbehaviour[]): void {
    this.#once.set(leg, [...(this.#once.get(leg) ?? []), ...misbehaviours]);
  }

  /** Replaces all answers of this leg. */
  always(leg: Leg, misbehaviour: Misbehaviour): void {
    this.#always.set(leg, misbehaviour);
  }

  /** Removes all replacements. */
  reset(): void {
    this.#once.clear();
    this.#always.clear();
  }

  /** The number of requests of this leg so far, also those with replaced answers. */
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

/** A successful answer of the token endpoint (RFC 6749 section 5.1). */
export function ok(body: Readonly<Record<string, unknown>>): HonestAnswer {
  return { status: 200, headers: { 'cache-control': 'no-store' }, body };
}

/** An OAuth error answer (RFC 6749 section 5.2), as an error to throw. */
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

/** Runs `work`. If it throws an OAuthRefusal, resolves to the answer of that refusal. */
export async function orRefusal(work: () => Promise<HonestAnswer>): Promise<HonestAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OAuthRefusal) return error.answer;
    throw error;
  }
}
