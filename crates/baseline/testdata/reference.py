#!/usr/bin/env python3
"""Makes the reference data of the tails: tails.csv and novelty.ndjson beside this file.

    pip install mpmath gmpy2 && python reference.py

Everything is computed with mpmath (350 digits where a difference from 1 is taken) straight from the definitions, by other ways
than the crate takes (it uses continued fractions and Loader's saddle-point form):

* negative binomial, mean mu and size k: P(X = j) = Gamma(k+j)/(Gamma(k) j!) (k/(k+mu))^k (mu/(k+mu))^j
  (Johnson, Kemp, Kotz, "Univariate Discrete Distributions", 3rd ed. 2005, section 5.1), summed term by term;
  for real x the regularised incomplete beta function I_q(x, k), q = mu/(mu+k) (DLMF 8.17.2, section 5.6 of the same book);
* Poisson: P(X >= x) = P(x, mu), the regularised lower incomplete gamma function (DLMF 8.2.4, 8.4.9);
* chi-square with v degrees of freedom: Q(v/2, x/2) (DLMF 8.2.4);
* Beta-Binomial: P(Y = j) = C(n, j) B(a+j, b+n-j)/B(a, b) (Johnson, Kemp, Kotz, section 6.2.2), summed term by term;
* Stirling's remainder ln Gamma(z+1) - (z+1/2) ln z + z - ln(2 pi)/2 (DLMF 5.11.1);
* hierarchical Pitman-Yor: P(c) = (max(n_c - d, 0) + (theta + d K) P_parent(c))/(theta + N), with one table a dish
  (Teh, "A hierarchical Bayesian language model based on Pitman-Yor processes", 2006, section 4), and the p-value of a category
  as the mass of all that are no likelier, seen by the person or not (Sanna Passino, Heard, "Modelling dynamic network evolution
  as a Pitman-Yor process", 2019, section 3).

A parameter is the double that its shortest decimal form stands for. Columns: family, three parameters, the argument, ln of the
upper tail including the argument, ln of its complement.
"""
import json
import math
import pathlib
import random

from mpmath import mp, mpf

HERE = pathlib.Path(__file__).parent
SMALLEST = -691  # ln p down to 1e-300
rows = []


def add(family, parameters, x, ln_upper, ln_lower):
    if ln_upper < SMALLEST or ln_upper >= 0:
        return
    if ln_lower < -700:  # beyond what a double can say of a p so near to 1
        return
    parameters = [repr(float(it)) for it in parameters] + [""] * (3 - len(parameters))
    rows.append([family, *parameters, repr(float(x)), mp.nstr(ln_upper, 22), mp.nstr(ln_lower, 22)])


def both(lower):
    """ln of the complement and ln of `lower`, which was summed with enough digits for the difference."""
    return (mp.log1p(-lower), mp.log(lower)) if lower < 1 else (mpf("-inf"), mpf(0))


def negative_binomial_sums(mu, k, xs):
    """The lower tails P(X <= x-1) at the integers `xs`, ascending, in one pass."""
    mu, k = mpf(mu), mpf(k)
    q = mu / (mu + k)
    term = mp.exp(k * mp.log(k / (k + mu)))
    total, j = mpf(0), 0
    for x in xs:
        while j < x:
            total += term
            term = term * (k + j) / (j + 1) * q
            j += 1
        yield x, total


def sides(upper, lower):
    """ln of both, the larger from the smaller."""
    return (mp.log(upper), mp.log1p(-upper)) if upper < lower else (mp.log1p(-lower), mp.log(lower))


def where_the_point_is(ln_p, mu, k):
    """About the largest x up to 6000 with ln P(X = x) above `ln_p`."""

    def ln_point(x):
        return math.lgamma(k + x) - math.lgamma(k) - math.lgamma(x + 1) + k * math.log(k / (k + mu)) + x * math.log(mu / (k + mu))

    low, high = int(mu), 6000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ln_point(middle) > ln_p else (low, middle)
    return low


def negative_binomial():
    mp.dps = 350
    for k in [0.05, 0.1, 0.3, 0.7, 1.0, 2.5, 10.0, 47.3, 300.0, 1e3, 1e4, 1e5, 1e6]:
        for mu in [1e-3, 0.01, 0.1, 0.5, 1.0, 3.0, 10.0, 33.3, 100.0, 1000.0, 3000.0]:
            sd = (mu + mu * mu / k) ** 0.5
            at = [1, 2, 4, 9] + [round(mu * it) for it in (1.5, 3, 10, 30)]
            at += [round(mu + z * sd) for z in (-12, -6, -3, -1, 0, 1, 2, 4, 8, 16, 30)]
            at += [where_the_point_is(it, mu, k) for it in (-60, -200, -450, -688)]
            xs = sorted({it for it in at if 1 <= it <= 6000})
            for x, lower in negative_binomial_sums(mu, k, xs):
                add("nb", [mu, k], x, *both(lower))


def negative_binomial_large():
    """Large counts: the smaller side summed outwards from x."""
    mp.dps = 60
    for k in [5.0, 200.0, 1e4, 1e6]:
        for mu in [1e4, 1e5, 1e6]:
            sd = (mu + mu * mu / k) ** 0.5
            for z in (-4, -1, 0.5, 3, 8):
                x = round(mu + z * sd)
                if x < 1 or (k < 100 and mu > 1e4):
                    continue
                m, size = mpf(mu), mpf(k)
                q = m / (m + size)
                pmf = mp.exp(mp.loggamma(size + x) - mp.loggamma(size) - mp.loggamma(x + 1) + size * mp.log1p(-q) + x * mp.log(q))
                total, j = mpf(0), x
                if z > 0:
                    term = pmf
                    while term > total * mpf(10) ** -40:
                        total += term
                        term = term * (size + j) / (j + 1) * q
                        j += 1
                    add("nb", [mu, k], x, mp.log(total), mp.log1p(-total))
                else:
                    term = pmf * x / ((size + x - 1) * q)
                    j = x - 1
                    while j >= 0 and term > total * mpf(10) ** -40:
                        total += term
                        term = term * j / ((size + j - 1) * q) if j else mpf(0)
                        j -= 1
                    add("nb", [mu, k], x, mp.log1p(-total), mp.log(total))


def negative_binomial_real():
    mp.dps = 40
    for k in [0.05, 0.7, 3.3, 60.0, 900.0]:
        for mu in [0.02, 0.8, 7.5, 120.0]:
            for x in [0.05, 0.3, 0.9, 1.5, 3.7, 12.4, 40.6, 171.3, 402.5]:
                q = mpf(mu) / (mpf(mu) + mpf(k))
                upper = mp.betainc(mpf(x), mpf(k), 0, q, regularized=True)
                lower = mp.betainc(mpf(k), mpf(x), 0, mpf(k) / (mpf(mu) + mpf(k)), regularized=True)
                add("nb", [mu, k], x, *sides(upper, lower))


def gamma_tails():
    mp.dps = 60
    for mu in [1e-3, 0.05, 0.7, 2.0, 9.0, 31.4, 150.0, 1000.0, 20000.0]:
        for x in sorted({1.0, 2.0, 5.0, 0.4, 17.5} | {float(round(mu + z * mu**0.5)) for z in (-9, -4, -1, 0, 1, 3, 7, 15, 33)}):
            if x > 0:
                upper = mp.gammainc(mpf(x), 0, mpf(mu), regularized=True)
                lower = mp.gammainc(mpf(x), mpf(mu), mp.inf, regularized=True)
                add("poisson", [mu], x, *sides(upper, lower))
    for v in [1.0, 2.0, 3.0, 8.0, 20.0, 77.0, 400.0]:
        for x in [1e-3, 0.1, 0.9, 2.5, 8.0, 21.0, 55.0, 140.0, 390.0, 700.0, 1350.0]:
            upper = mp.gammainc(mpf(v) / 2, mpf(x) / 2, mp.inf, regularized=True)
            lower = mp.gammainc(mpf(v) / 2, 0, mpf(x) / 2, regularized=True)
            add("chi_square", [v], x, *sides(upper, lower))


def beta_binomial():
    mp.dps = 350
    for n in [1, 2, 5, 12, 40, 150, 700, 3000]:
        for a in [0.05, 0.5, 1.0, 3.3, 20.0, 250.0, 10000.0]:
            for b in [0.05, 0.5, 1.0, 7.7, 90.0, 3000.0]:
                share = a / (a + b)
                sd = (n * share * (1 - share) * (a + b + n) / (a + b + 1)) ** 0.5
                at = [1, n, round(0.6 * n)] + [round(n * share + z * sd) for z in (-7, -2, 0.5, 3, 9, 20)]
                xs = sorted({it for it in at if 1 <= it <= n})
                term = mp.gammaprod([mpf(b) + n, mpf(a) + mpf(b)], [mpf(b), mpf(a) + mpf(b) + n])
                total, j = mpf(0), 0
                for x in xs:
                    while j < x:
                        total += term
                        term = term * (n - j) * (mpf(a) + j) / ((j + 1) * (mpf(b) + n - j - 1))
                        j += 1
                    add("beta_binomial", [n, a, b], x, *both(total))


def stirling():
    mp.dps = 60
    for z in [1e-6, 1e-3, 0.05, 0.3, 0.5, 1.0, 1.7, 2.5, 5.0, 7.9, 8.0, 9.3, 15.0, 80.0, 1e3, 1e6, 1e9]:
        value = mp.loggamma(mpf(z) + 1) - (mpf(z) + 0.5) * mp.log(mpf(z)) + mpf(z) - mp.log(2 * mp.pi) / 2
        rows.append(["stirling", repr(z), "", "", repr(z), mp.nstr(value, 22), ""])


def restaurant(level, categories):
    """P(c) of each category and of the one that stands for everything else, over all levels, broadest first."""
    mass = {it: mpf(1) / (len(categories) + 1) for it in [*categories, None]}
    for counts, discount, theta in level:
        n, kinds, d, t = sum(map(mpf, counts.values())), len(counts), mpf(discount), mpf(theta)
        back = t + d * kinds
        mass = {c: (max(mpf(counts[c]) - d, 0) if c in counts else mpf(0)) / (t + n) + back / (t + n) * mass[c] for c in mass}
    return mass


def novelty():
    mp.dps = 60
    random.seed(6)
    with open(HERE / "novelty.ndjson", "w") as out:
        for case in range(120):
            categories = list(range(1, random.choice([3, 8, 30, 60])))
            popular = [1 / (it**1.3) for it in categories]

            def counts(total, kinds_max):
                found = {}
                for it in random.choices(categories, popular, k=total):
                    if it in found or len(found) < kinds_max:
                        found[it] = found.get(it, 0) + 1
                return found

            # The organisation knows every category, as in life.
            org = counts(random.choice([50, 5000]), 99)
            for it in categories:
                org.setdefault(it, 1)
            levels = [org, counts(random.choice([0, 20, 800]), 99), counts(random.choice([0, 1, 7, 200, 100000]), 8)]
            levels = [(it, random.choice([0.05, 0.3, 0.5, 0.9]), random.choice([1.0, 2.5, 5.0])) for it in levels]
            person = restaurant(levels, categories)
            user = levels[2][0]
            tests = []
            for c in random.sample(categories, min(4, len(categories))) + random.sample(sorted(user), min(2, len(user))) + [None]:
                p = sum(it for it in person.values() if it <= person[c] * (1 + mpf(10) ** -15))
                tests.append({"category": c, "ln_p": mp.nstr(mp.log(p), 22) if p < 1 else "0"})
            line = [{"counts": sorted(map(list, it.items())), "discount": d, "theta": t} for it, d, t in levels]
            out.write(json.dumps({"levels": line, "tests": tests}) + "\n")


negative_binomial()
negative_binomial_large()
negative_binomial_real()
gamma_tails()
beta_binomial()
stirling()
novelty()
with open(HERE / "tails.csv", "w") as out:
    out.write("family,a,b,c,x,ln_upper,ln_lower\n")
    for row in rows:
        out.write(",".join(row) + "\n")
print(len(rows), "rows")
