import { isJsonObject, type JsonObject, SCOPE_TOKEN } from '@credence/protocol';

/** The maximum number of alternatives, and of scopes in one. */
const MAX = 100;

/**
 * The scopes that a tool needs, if its server says so: each list is enough on its own. The MCP specification has no member for them.
 * Servers use `securitySchemes` of a tool, or of its `_meta`: `[{ type: 'noauth' }, { type: 'oauth2', scopes: [...] }]`. Undefined if the
 * server does not say, or says it in a way that is not known.
 */
export function neededScopes(definition: JsonObject): readonly (readonly string[])[] | undefined {
  const meta = definition['_meta'];
  const schemes: unknown = definition['securitySchemes'] ?? (isJsonObject(meta) ? meta['securitySchemes'] : undefined);
  if (!Array.isArray(schemes) || schemes.length === 0 || schemes.length > MAX) return undefined;
  const alternatives = schemes.map((scheme: unknown) => {
    if (!isJsonObject(scheme)) return undefined;
    const { type, scopes = [] } = scheme;
    if (type === 'noauth') return [];
    return type === 'oauth2' && isScopes(scopes) ? scopes : undefined;
  });
  return alternatives.every((scopes) => scopes !== undefined) ? alternatives : undefined;
}

function isScopes(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX &&
    value.every((scope) => typeof scope === 'string' && SCOPE_TOKEN.test(scope))
  );
}
