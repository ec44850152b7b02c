/** One scope (RFC 6749 appendix A.4). */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/u;
