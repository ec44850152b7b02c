/** The exports of the oidc-provider package. */
export type OidcProviderModule = typeof import('oidc-provider');

const NOTICE = 'oidc-provider WARNING: Unsupported runtime.';

let loaded: Promise<OidcProviderModule> | undefined;

/**
 * Loads oidc-provider and suppresses one warning that it prints when it is loaded: on Node 20, which this project supports and
 * tests, it recommends a later Node. oidc-provider prints the warning with `console.warn` and has no option to turn it off. So
 * this function replaces `console.warn` during the load, drops that one warning, passes everything else on, and restores
 * `console.warn` afterwards. Configuration turns off all other warnings of oidc-provider.
 */
export function loadOidcProvider(): Promise<OidcProviderModule> {
  loaded ??= withoutNotice(() => import('oidc-provider'));
  return loaded;
}

async function withoutNotice<T>(load: () => Promise<T>): Promise<T> {
  /* oxlint-disable no-console -- see above */
  const warn = console.warn;
  const filtered = (...data: unknown[]) => {
    if (!String(data[0]).includes(NOTICE)) warn.apply(console, data);
  };
  console.warn = filtered;
  try {
    return await load();
  } finally {
    if (console.warn === filtered) console.warn = warn;
  }
  /* oxlint-enable no-console */
}
