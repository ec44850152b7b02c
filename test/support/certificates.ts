/** A certificate of localhost that signed itself, valid from 2020 to 2119, and its key, for servers of tests: DER in base64. */
const KEY =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwpp033Og0RWfmW3Fk6Bc6pMkSP1/Ir9cwYG5vyX1jqqhRANCAASpS+7RmJX5VDyAebt5zoPpu23yBsfgyJnWw6DAKvGsUvSOHzf4hia2P4/B5l9NSRaS7ep2BIHnXkKBRijgg5sO';
const CERTIFICATE =
  'MIIBYjCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKlL7tGYlflUPIB5u3nOg+m7bfIGx+DImdbDoMAq8axS9I4fN/iGJrY/j8HmX01JFpLt6nYEgedeQoFGKOCDmw6jSDBGMBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBSNZFWHN0ou+2x6RoheS/JsF5PB2TAKBggqhkjOPQQDAgNJADBGAiEA07utPR2kBtFBVsSJF00LoG5FO8lf5/qpjQsh0Si3mIUCIQC94Uc5tyxK3E1kY05Qq4X45rw5Bp6vfmMHeW1akiuEwg==';

/** The PEM texts of a key and of its certificate. */
export const LOCALHOST_CERTIFICATE = { key: pem('PRIVATE KEY', KEY), cert: pem('CERTIFICATE', CERTIFICATE) };

function pem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
