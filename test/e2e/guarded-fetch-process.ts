// A process of its own, because jest has other globals than Node.js: requests a name that a peer named, and prints the
// outcome. Arguments: the URL to request, the addresses of its host, and optionally `fetch-first`.
import { defaultFetch, fetchNamedBy, forbiddenAddressIn } from '@credence/protocol';

const [url = '', addresses = '', first] = process.argv.slice(2);
const resolve = async (hostname: string) =>
  (hostname === 'idp.test' ? '203.0.113.1' : addresses).split(',').map((address) => ({ address, family: 4 }));
if (first === 'fetch-first') await fetch('http://127.0.0.1:9/').catch(() => undefined);
const fetchNamed = fetchNamedBy(new URL('https://idp.test'), defaultFetch, {}, resolve);
try {
  const { status } = await fetchNamed(url);
  console.log(`answered ${status}`);
} catch (error) {
  console.log(forbiddenAddressIn(error)?.message ?? `failed: ${String(error)}`);
}
