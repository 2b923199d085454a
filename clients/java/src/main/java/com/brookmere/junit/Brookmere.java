package com.brookmere.junit;

import java.net.URI;

/**
 * A node, and an AWS account on it that no other test has.
 *
 * @param url     of the node
 * @param account twelve digits, which are the access key too
 * @param region  that the system properties name
 */
public record Brookmere(URI url, String account, String region) {}
