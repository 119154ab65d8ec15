"""The words that made-up people are made of."""

from __future__ import annotations

FIRST_NAMES = (
    "Ada Aaliyah Aarav Abigail Adam Agnieszka Aiden Amara Amélie Andrew Anthony Ashley Astrid Benjamin Björn "
    "Brianna Carlos Chen Chiara Chloë Christopher Daniel David Deepika Diego Elizabeth Emily Emma Ethan Fatima "
    "François Gabriel Grace Hannah Haruto Ingrid Isabella Jack Jacob James Jayden Jessica José Joshua Julia "
    "Kateřina Katherine Kwame Laura Liam Łukasz Madison Małgorzata Maria Mary-Jane Matthew Mei Michael Mohammed "
    "Natalie Nicholas Noah Olivia Omar Pedro Priya Rachel René Robert Ryan Samantha Samuel Sarah Sean Siân Sofia "
    "Søren Stephanie Thandiwe Thomas Tyler Victoria Vijay Wei William Xavier Yara Yuki Zachary Zoë"
).split()
LAST_NAMES = (
    "Adams Allen Anderson Bailey Baker Bennett Brown Campbell Carter Chen Clark Cohen Collins Cook Cooper Cruz Davis "
    "Diaz Edwards Evans Fernández Fischer Flores Foster Garcia Gómez Gonzalez Green Gupta Gutiérrez Hall Harris "
    "Hernandez Hill Howard Hughes Jackson Jensen Johnson Jones Kelly Khan Kim King Kowalski Le Lee Lewis Long Lopez "
    "MacDonald Martin Martinez Mitchell Moore Morales Morgan Morris Müller Murphy Myers Nelson Nguyen Nowak Núñez "
    "O'Brien Okafor O'Neill Ortiz Parker Patel Perez Peterson Phillips Powell Price Ramirez Reed Richardson Rivera "
    "Roberts Robinson Rodriguez Rogers Ross Russell Sanchez Sanders Schäfer Scott Silva Singh Smith Smith-Jones "
    "Sørensen Stewart Sullivan Taylor Thomas Thompson Torres Turner Walker Ward Washington Watson White Williams "
    "Wilson Wójcik Wood Wright Yamamoto Young Zhang"
).split()
STREETS = (
    "Maple Street;Oak Avenue;Washington Boulevard;Elm Street;2nd Street;3rd Avenue;Lake Shore Drive;College Avenue;"
    "University Place;Hill Road;Cedar Lane;Pine Street;Park Avenue;Main Street;Church Street;River Road;Mill Lane;"
    "Spring Street;Highland Avenue;Sunset Boulevard;Jefferson Street;Lincoln Avenue;Franklin Street;Broadway"
).split(";")
"""Streets; some lines get a comma or quotes around a building."""
BUILDINGS = 'Apt %d;Unit %d;Room %d;"The Towers" %d;Suite %d, Rear;Hall %d;c/o "Gran", %d;Box %d'.split(";")
CITIES = (
    "Springfield:IL Riverside:CA Franklin:TN Greenville:SC Bristol:CT Clinton:MS Fairview:TX Salem:OR Madison:WI "
    "Georgetown:KY Arlington:VA Ashland:OR Burlington:VT Manchester:NH Oxford:OH Milton:MA Newport:RI Dayton:OH "
    "Lexington:KY Cambridge:MA Auburn:AL Hudson:NY Kingston:NY Dover:DE"
).split()
COLLEGES = "AS BU ED EN FA LW MD NU PH SW".split()
MAJORS = (
    "ACCT ANTH ARTH BIOL CHEM CLAS CMSC COMM DANC ECON EDUC ENGL ENGR FINC FREN GEOG GEOL GERM HIST ITAL JOUR LATN "
    "LING MATH MGMT MKTG MUSC NURS PHIL PHYS POLS PSYC RELG RUSS SOCI SPAN STAT THEA"
).split()
STUDENT_TYPES = "N C R T G V".split()
LEVELS = "UG UG UG UG UG GR GR PH LW ND".split()
CAMPUSES = "MAIN MAIN MAIN DT ONL".split()
GENDERS = "F F M M N".split()
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
NATIONS = "US US US US US US US US US US US US CA MX GB DE".split()
END_DATES = "15-MAY-2027 15-MAY-2028 15-MAY-2029 15-MAY-2030 20-DEC-2027 20-DEC-2028".split()
MAILERS = "mail.example post.example inbox.example webmail.example".split()
EMPLOYERS = "hospital.example county.example labs.example".split()
