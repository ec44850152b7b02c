import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  payload: AdapterPayload;
  /** Epoch milliseconds; undefined for what does not expire. */
  expiresAt: number | undefined;
}

/** What an authorization server of the sandbox remembers: in memory, gone with it. */
export interface MemoryStore {
  readonly adapter: AdapterFactory;
  /** Live entries of one of oidc-provider's models. */
  entries(model: string): { id: string; payload: AdapterPayload }[];
  delete(model: string, id: string): void;
  /** Entries held, expired ones that no sweep has met yet included. */
  size(): number;
}

/** How many writes go by between two sweeps of expired entries: a sandbox may run for weeks under a bot. */
const WRITES_PER_SWEEP = 500;

/** A store of its own for every authorization server; oidc-provider's built-in one keeps the last 1000 entries only. */
export function createMemoryStore(): MemoryStore {
  const models = new Map<string, Map<string, Entry>>();
  const isLive = ({ expiresAt }: Entry) => expiresAt === undefined || expiresAt > Date.now();
  const model = (name: string): Map<string, Entry> => {
    const found = models.get(name) ?? new Map<string, Entry>();
    models.set(name, found);
    return found;
  };

  let writes = 0;
  const sweepNowAndThen = () => {
    writes += 1;
    if (writes % WRITES_PER_SWEEP !== 0) return;
    for (const entries of models.values()) {
      for (const [id, entry] of entries) if (!isLive(entry)) entries.delete(id);
    }
  };
  const findWhere = (name: string, matches: (payload: AdapterPayload) => boolean) =>
    [...model(name).values()].find((entry) => isLive(entry) && matches(entry.payload))?.payload;

  return {
    adapter: (name): Adapter => ({
      async upsert(id, payload, expiresIn) {
        const expiresAt = expiresIn ? Date.now() + expiresIn * 1000 : undefined;
        model(name).set(id, { payload: name === 'AccessToken' ? exact(payload, expiresAt) : payload, expiresAt });
        sweepNowAndThen();
      },
      async find(id) {
        const entry = model(name).get(id);
        return entry !== undefined && isLive(entry) ? entry.payload : undefined;
      },
      findByUid: async (uid) => findWhere(name, (payload) => payload.uid === uid),
      findByUserCode: async (userCode) => findWhere(name, (payload) => payload.userCode === userCode),
      async consume(id) {
        const entry = model(name).get(id);
        if (entry !== undefined) entry.payload = { ...entry.payload, consumed: Math.floor(Date.now() / 1000) };
      },
      async destroy(id) {
        model(name).delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const entries of models.values()) {
          for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
        }
      },
    }),
    entries: (name) =>
      [...model(name)].filter(([, entry]) => isLive(entry)).map(([id, { payload }]) => ({ id, payload })),
    delete: (name, id) => void model(name).delete(id),
    size: () => [...models.values()].reduce((sum, entries) => sum + entries.size, 0),
  };
}

/**
 * oidc-provider cuts times to whole seconds, so that a token for two seconds ends after one to two. Here it ends when its
 * `expires_in` said, to the millisecond: the entry's own time decides, and `exp` comes no earlier.
 */
function exact(payload: AdapterPayload, expiresAt: number | undefined): AdapterPayload {
  return expiresAt === undefined || payload.exp === undefined
    ? payload
    : { ...payload, exp: Math.ceil(expiresAt / 1000) };
}
