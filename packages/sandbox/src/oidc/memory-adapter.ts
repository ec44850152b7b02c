import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  payload: AdapterPayload;
  /** Epoch milliseconds. Undefined if the entry does not expire. */
  expiresAt: number | undefined;
}

/** The storage of an IdP or authorization server of the sandbox, in memory. */
export interface MemoryStore {
  readonly adapter: AdapterFactory;
  /** The entries of one of oidc-provider's models that have not expired. */
  entries(model: string): { id: string; payload: AdapterPayload }[];
  delete(model: string, id: string): void;
  /** The number of stored entries, including expired ones that are not deleted yet. */
  size(): number;
}

/**
 * The number of writes between two deletions of all expired entries. Without them, a sandbox that runs for weeks would fill the
 * memory.
 */
const WRITES_PER_CLEANUP = 500;

/** Creates the store of one server. oidc-provider's built-in adapter is not used because it keeps only the last 1000 entries. */
export function createMemoryStore(): MemoryStore {
  const models = new Map<string, Map<string, Entry>>();
  const isLive = ({ expiresAt }: Entry) => expiresAt === undefined || expiresAt > Date.now();
  const model = (name: string): Map<string, Entry> => {
    const found = models.get(name) ?? new Map<string, Entry>();
    models.set(name, found);
    return found;
  };

  let writes = 0;
  const deleteExpiredSometimes = () => {
    writes += 1;
    if (writes % WRITES_PER_CLEANUP !== 0) return;
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
        model(name).set(id, {
          payload: name === 'AccessToken' ? withExactExpiry(payload, expiresAt) : payload,
          expiresAt,
        });
        deleteExpiredSometimes();
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
 * Moves `exp` to the first whole second at or after `expiresAt`. oidc-provider rounds `exp` down to whole seconds, so a token
 * with a lifetime of two seconds would expire up to one second early. With the later `exp`, the entry's `expiresAt` decides, to
 * the millisecond.
 */
function withExactExpiry(payload: AdapterPayload, expiresAt: number | undefined): AdapterPayload {
  return expiresAt === undefined || payload.exp === undefined
    ? payload
    : { ...payload, exp: Math.ceil(expiresAt / 1000) };
}
